// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/GoldenFile.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace strata::run {

namespace {

using Json = nlohmann::json;

/// JSON's own conversions narrow silently; positions and ids must be what they say.
template <typename Number> Number integer(const Json &value) {
  uint64_t number = value.is_number_unsigned() ? value.get<uint64_t>() : UINT64_MAX;
  if (number > static_cast<uint64_t>(std::numeric_limits<Number>::max()))
    throw std::out_of_range(fmt::format("{} is no token, position or row", value.dump()));
  return static_cast<Number>(number);
}

std::vector<int32_t> tokenList(const Json &values) {
  std::vector<int32_t> tokens;
  for (const Json &value : values)
    tokens.push_back(integer<int32_t>(value));
  return tokens;
}

GoldenCase goldenCase(const Json &json) {
  GoldenCase result;
  result.prompt = tokenList(json.at("prompt"));
  result.greedy = tokenList(json.at("greedy"));
  result.greedyGap = json.at("greedy_gap").get<std::vector<double>>();
  for (const Json &row : json.at("rows"))
    result.rows.push_back({integer<uint32_t>(row.at(0)), integer<uint64_t>(row.at(1))});
  return result;
}

/// Why a case cannot be run; empty if it can.
std::string faultOf(const GoldenCase &golden, const Matrix &logits) {
  if (golden.prompt.empty() || golden.rows.empty())
    return "has no prompt or no rows";
  if (golden.greedyGap.size() != golden.greedy.size())
    return "has not as many gaps as greedy tokens";
  std::size_t tokens = golden.prompt.size() + golden.greedy.size();
  int64_t previous = -1;
  for (const GoldenRow &row : golden.rows) {
    if (row.position <= previous || row.position >= tokens)
      return fmt::format("lists position {} out of order or past its {} tokens", row.position, tokens);
    if (row.row >= logits.rows)
      return fmt::format("names row {} of {}", row.row, logits.rows);
    previous = row.position;
  }
  return "";
}

} // namespace

std::vector<int32_t> GoldenCase::tokens() const {
  std::vector<int32_t> all(prompt);
  all.insert(all.end(), greedy.begin(), greedy.end());
  all.resize(std::size_t{rows.back().position} + 1);
  return all;
}

Result<GoldenFile> readGolden(const std::string &path) {
  constexpr std::string_view kSuffix = ".json";
  if (path.size() <= kSuffix.size() || !path.ends_with(kSuffix))
    return fail(ExitCode::CommandLine, "", "--expect wants NAME.json, with NAME.logits.npy beside it");
  GoldenFile golden;
  STRATA_ASSIGN(golden.logits, readNpy(path.substr(0, path.size() - kSuffix.size()) + ".logits.npy"));

  std::ifstream stream(path);
  if (!stream)
    return fail(ExitCode::Input, "", fmt::format("{}: cannot be read: {}", escapeName(path), std::strerror(errno)));
  try {
    const Json json = Json::parse(stream);
    for (const Json &entry : json.at("cases"))
      golden.cases.push_back(goldenCase(entry));
  } catch (const std::exception &fault) {
    return fail(ExitCode::Input, "",
                fmt::format("{}: is not a file of golden outputs: {}", escapeName(path), escapeName(fault.what())));
  }
  for (std::size_t index = 0; index < golden.cases.size(); ++index)
    if (std::string fault = faultOf(golden.cases[index], golden.logits); !fault.empty())
      return fail(ExitCode::Input, "", fmt::format("{}: case {} {}", escapeName(path), index, fault));
  return golden;
}

} // namespace strata::run
