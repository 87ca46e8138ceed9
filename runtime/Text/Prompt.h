// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From what a user gives to the token ids that are run.
#pragma once

#include "runtime/Text/Chat.h"
#include "runtime/Text/Tokenizer.h"

namespace strata::text {

/// The ids of a rendered conversation: special tokens come from the template's own pieces only, whatever a message
/// says. Errors (exit code 1): those of Tokenizer::encode; a vocabulary without one of the format's tokens.
Result<std::vector<int32_t>> encodeChat(const Tokenizer &tokenizer, std::span<const ChatPiece> pieces);

/// The ids of `--raw` text: special tokens are recognised, and BOS is put in front unless the text begins with it.
/// Errors: those of Tokenizer::encode.
Result<std::vector<int32_t>> encodeRaw(const Tokenizer &tokenizer, std::string_view text);

/// The ids of `--tokens=ID,ID,...`, with nothing added. Error (exit code 2): something that is not a number, or not
/// below `vocabularySize`.
Result<std::vector<int32_t>> parseTokenIds(std::string_view list, uint64_t vocabularySize);

} // namespace strata::text
