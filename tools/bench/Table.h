// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The tables that strata-bench prints: rows in the manner of llama-bench, each with the build and the machine that gave
// its numbers.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace strata::bench {

enum class OutputFormat : uint8_t { md, csv, json };

/// What all rows of a table have in common.
struct RunInfo {
  std::string commit;  ///< Of the sources that the tool was built from.
  std::string machine; ///< What the numbers are of: the preset or file that an artifact was compiled for, a processor.
  std::string model;   ///< Its file's name.
  std::string device;  ///< "host", "sim"
};

/// The commit that this tool was built from, or "unknown" outside of a repository.
std::string buildCommit();

struct Column {
  std::string key;     ///< In csv and json.
  std::string heading; ///< In md; empty: not shown there.
  int decimals = 1;    ///< Of numbers with a point, in md.
};

/// Nothing where a row has no such figure. Several numbers are one text in csv, with spaces between them.
using Cell = std::variant<std::monostate, std::string, uint64_t, double, std::vector<double>>;

class Table {
public:
  Table(RunInfo run, std::vector<Column> columns);
  /// A cell for every column.
  void add(std::vector<Cell> row);
  /// Text for people below the table.
  void addNote(std::string note) { notes += std::move(note); }
  /// md: the columns with a heading, and what the rows have in common below. csv, json: all columns, and in every row
  /// what they have in common.
  std::string format(OutputFormat format) const;

private:
  std::string formatMarkdown() const;
  std::string formatCsv() const;
  std::string formatJson() const;

  RunInfo run;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::string notes;
};

} // namespace strata::bench
