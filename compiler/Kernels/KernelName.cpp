// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Kernels/KernelName.h"

#include <algorithm>
#include <cctype>

namespace strata::kernels {

namespace {

bool isWordCharacter(char character) {
  return std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_';
}

/// The words of a callee, without namespaces and without the names of classes that have arguments of their own: those
/// say more. The first word is the main loop's name.
std::vector<std::string_view> wordsOf(std::string_view callee) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin < callee.size();) {
    if (!isWordCharacter(callee[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < callee.size() && isWordCharacter(callee[end]))
      ++end;
    bool isNamespace = callee.substr(end).starts_with("::"), isClass = callee.substr(end).starts_with("<");
    if (!isNamespace && (!isClass || words.empty()))
      words.push_back(callee.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

} // namespace

std::string kernelName(const Step &step) {
  std::string name;
  bool number = false;
  for (std::string_view word : wordsOf(step.callee)) {
    bool wasNumber = number;
    number = std::ranges::all_of(word, [](char digit) { return digit >= '0' && digit <= '9'; });
    if (word == "epilogue")
      continue;
    if (!name.empty())
      name += wasNumber && number ? 'x' : '_';
    name += word;
  }
  if (step.epilogue && std::ranges::find(step.arguments, "residual") != step.arguments.end())
    name += "_residual";
  return name;
}

} // namespace strata::kernels
