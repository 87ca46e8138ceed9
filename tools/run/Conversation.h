// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A conversation on the terminal.
#pragma once

#include "runtime/Text/Tokenizer.h"
#include "tools/run/Generate.h"

namespace strata::run {

/// The prompt of a chat with one message. Exit code 1: a vocabulary without the format's special tokens.
Result<std::vector<int32_t>> encodeTurn(const text::Tokenizer &tokenizer, const Options &options,
                                        const std::string &message);

/// Reads messages from stdin, a line each, and answers them on stdout until the input ends. Ctrl-C stops an answer, and
/// a second one at the prompt ends the conversation with exit code 130. A message that the context has no room for is
/// an error, exit code 1.
Result<ExitCode> converse(Generator &generator, const text::Tokenizer &tokenizer, const Options &options,
                          uint32_t context);

/// Shows an answer's text on stdout as it comes.
void showText(std::string_view text);
/// Ends the line of an answer, and prints the closing line on stderr.
void showClosing(const GeneratedAnswer &answer, uint32_t context);

} // namespace strata::run
