// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/KernelSources.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace strata {

static const KernelText &textOf(std::string_view name) {
  for (const KernelText &text : kernelTexts())
    if (text.name == name)
      return text;
  throw std::out_of_range("no kernel file " + std::string(name)); // A mistake of the caller, not of any input.
}

/// The names in the line "// needs: A.cuh B.cuh".
static std::vector<std::string_view> needsOf(std::string_view text) {
  constexpr std::string_view kMark = "\n// needs:";
  std::vector<std::string_view> names;
  size_t begin = text.find(kMark);
  if (begin == std::string_view::npos)
    return names;
  std::string_view line = text.substr(begin + kMark.size());
  line = line.substr(0, line.find('\n'));
  while (true) {
    size_t first = line.find_first_not_of(' ');
    if (first == std::string_view::npos)
      return names;
    size_t end = std::min(line.find(' ', first), line.size());
    names.push_back(line.substr(first, end - first));
    line.remove_prefix(end);
  }
}

static void collect(std::string_view name, std::vector<std::string_view> &order) {
  if (std::ranges::find(order, name) != order.end())
    return;
  for (std::string_view needed : needsOf(textOf(name).text))
    collect(needed, order);
  order.push_back(name);
}

std::string unitPrefix(std::span<const std::string_view> files) {
  std::vector<std::string_view> order;
  collect("Prelude.cuh", order);
  for (std::string_view file : files)
    collect(file, order);
  std::string result;
  for (std::string_view name : order)
    result += textOf(name).text;
  return result;
}

} // namespace strata
