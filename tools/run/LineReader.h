// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Lines of standard input, with Ctrl-C.
#pragma once

#include <string>

namespace strata::run {

/// What waiting for a line ended with.
enum class LineEnd { Line, EndOfInput, Interrupted };

/// Reads lines from file descriptor 0; Interrupt must be installed.
class LineReader {
public:
  /// The next line, without its line break. An interrupt drops what was typed of it.
  LineEnd read(std::string &line);

private:
  std::string pending;
};

} // namespace strata::run
