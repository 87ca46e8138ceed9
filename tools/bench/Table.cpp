// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/Table.h"

#include "tools/bench/Commit.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace strata::bench {

namespace {

/// What every row of csv and json begins with.
std::vector<std::pair<std::string, std::string>> commonFields(const RunInfo &run) {
  return {{"build_commit", run.commit}, {"machine", run.machine}, {"model", run.model}, {"device", run.device}};
}

std::string readable(const Cell &cell, int decimals) {
  if (const auto *text = std::get_if<std::string>(&cell))
    return *text;
  if (const auto *count = std::get_if<uint64_t>(&cell))
    return fmt::format("{}", *count);
  if (const auto *number = std::get_if<double>(&cell))
    return fmt::format("{:.{}f}", *number, decimals);
  return "";
}

bool isNumber(const Cell &cell) {
  return std::holds_alternative<uint64_t>(cell) || std::holds_alternative<double>(cell);
}

std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char character : text) {
    result += character;
    if (character == '"')
      result += '"';
  }
  return result + "\"";
}

/// Texts in quotes; numbers with all their digits.
std::string csvField(const Cell &cell) {
  if (const auto *text = std::get_if<std::string>(&cell))
    return quoted(*text);
  if (const auto *number = std::get_if<double>(&cell))
    return fmt::format("{}", *number);
  if (const auto *numbers = std::get_if<std::vector<double>>(&cell))
    return quoted(fmt::format("{}", fmt::join(*numbers, " ")));
  return readable(cell, 0);
}

nlohmann::ordered_json jsonValue(const Cell &cell) {
  return std::visit(
      [](const auto &value) -> nlohmann::ordered_json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
          return nullptr;
        else
          return value;
      },
      cell);
}

} // namespace

std::string buildCommit() {
  return STRATA_COMMIT;
}

Table::Table(RunInfo runInfo, std::vector<Column> tableColumns)
    : run(std::move(runInfo)), columns(std::move(tableColumns)) {}

void Table::add(std::vector<Cell> row) {
  assert(row.size() == columns.size());
  rows.push_back(std::move(row));
}

std::string Table::format(OutputFormat format) const {
  switch (format) {
  case OutputFormat::md:
    return formatMarkdown();
  case OutputFormat::csv:
    return formatCsv();
  case OutputFormat::json:
    break;
  }
  return formatJson();
}

std::string Table::formatMarkdown() const {
  std::string headings, rules;
  std::vector<std::string> lines(rows.size());
  for (size_t column = 0; column < columns.size(); ++column) {
    const std::string &heading = columns[column].heading;
    if (heading.empty())
      continue;
    size_t width = heading.size();
    bool right = false;
    for (const auto &row : rows) {
      width = std::max(width, readable(row[column], columns[column].decimals).size());
      right |= isNumber(row[column]);
    }
    auto padded = [&](const std::string &text) {
      return right ? fmt::format("| {:>{}} ", text, width) : fmt::format("| {:<{}} ", text, width);
    };
    headings += padded(heading);
    rules += fmt::format("| {:->{}}{} ", "", width - right, right ? ":" : "");
    for (size_t row = 0; row < rows.size(); ++row)
      lines[row] += padded(readable(rows[row][column], columns[column].decimals));
  }
  std::string result = headings + "|\n" + rules + "|\n";
  for (const std::string &line : lines)
    result += line + "|\n";
  return result + (notes.empty() ? "" : "\n" + notes) +
         fmt::format("\nbuild {}, machine {}, model {}, device {}\n", run.commit, run.machine, run.model, run.device);
}

std::string Table::formatCsv() const {
  std::string result;
  for (const auto &[key, value] : commonFields(run))
    result += key + ",";
  for (const Column &column : columns)
    result += column.key + ",";
  result.back() = '\n';
  for (const auto &row : rows) {
    for (const auto &[key, value] : commonFields(run))
      result += quoted(value) + ",";
    for (const Cell &cell : row)
      result += csvField(cell) + ",";
    result.back() = '\n';
  }
  return result;
}

std::string Table::formatJson() const {
  auto result = nlohmann::ordered_json::array();
  for (const auto &row : rows) {
    nlohmann::ordered_json object;
    for (const auto &[key, value] : commonFields(run))
      object[key] = value;
    for (size_t column = 0; column < columns.size(); ++column)
      object[columns[column].key] = jsonValue(row[column]);
    result.push_back(std::move(object));
  }
  return result.dump(2) + "\n";
}

} // namespace strata::bench
