// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Ending an answer at a stop string, without showing any part of it.
#pragma once

#include "runtime/Base/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata::text {

/// Watches streamed text for stop strings. What comes out is the same however the text is cut into pieces: the stop
/// string that is completed first ends it (of those completed by the same byte, the longest), and everything before it
/// is emitted.
class StopStrings {
public:
  /// Error (exit code 2): an empty stop string, or one that is not UTF-8.
  static Result<StopStrings> create(std::vector<std::string> strings);

  /// Takes the next piece of text, whole UTF-8 characters, and returns what can be shown: all but a tail that may be
  /// the beginning of a stop string. Nothing once stopped().
  std::string feed(std::string_view text);

  /// The end of the text: what was withheld and turned out not to be a stop string.
  std::string flush();

  /// True once a stop string was completed.
  bool stopped() const { return found; }

private:
  explicit StopStrings(std::vector<std::string> checked) : strings(std::move(checked)) {}

  std::vector<std::string> strings;
  std::string withheld;
  bool found = false;
};

} // namespace strata::text
