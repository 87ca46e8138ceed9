// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/StopStrings.h"

#include "runtime/Text/Utf8.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::text {

Result<StopStrings> StopStrings::create(std::vector<std::string> strings) {
  for (const std::string &string : strings) {
    if (string.empty())
      return fail(ExitCode::CommandLine, "", "a stop string is empty; give at least one character");
    if (!isUtf8(string))
      return fail(ExitCode::CommandLine, "",
                  fmt::format("the stop string \"{}\" is not UTF-8; give whole characters", escapeName(string)));
  }
  return StopStrings(std::move(strings));
}

/// The length of the longest end of `text` that is a beginning of `string`, but not all of it.
static size_t overlap(std::string_view text, std::string_view string) {
  for (size_t length = std::min(text.size(), string.size() - 1); length > 0; --length)
    if (text.substr(text.size() - length) == string.substr(0, length))
      return length;
  return 0;
}

std::string StopStrings::feed(std::string_view text) {
  if (found)
    return {};
  withheld += text;

  size_t begin = 0, end = std::string::npos;
  for (const std::string &string : strings) {
    size_t at = withheld.find(string);
    if (at == std::string::npos)
      continue;
    size_t atEnd = at + string.size();
    if (atEnd < end || (atEnd == end && at < begin)) {
      begin = at;
      end = atEnd;
    }
  }
  found = end != std::string::npos;
  if (!found) {
    size_t longest = 0;
    for (const std::string &string : strings)
      longest = std::max(longest, overlap(withheld, string));
    begin = withheld.size() - longest;
  }

  std::string shown = withheld.substr(0, begin);
  withheld = found ? std::string() : withheld.substr(begin);
  return shown;
}

std::string StopStrings::flush() {
  return std::exchange(withheld, std::string());
}

} // namespace strata::text
