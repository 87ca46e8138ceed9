// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How many tokens a second a compiled model takes in and gives out on the host.
#pragma once

#include "tools/bench/host/ModelRun.h"

namespace strata::bench {

/// The processor, its cores that this process may use, and the memory: "AMD EPYC, 2 cores, 23.6 GiB".
std::string describeHost();

/// The file, "host" and the machine of rows about a model.
RunInfo runInfoOf(const ModelRun &run);

/// The columns, and a row's cells, that say what was run: model, size, parameters, backend, threads, test.
std::vector<Column> testColumns();
std::vector<Cell> testCells(const ModelRun &run, const Options &options, const Test &test);

/// Says on stderr what makes the host slower here than it could be.
void printNotes(const Session &session);

/// Runs every test with every setting and prints a table with a row for each.
Result<ExitCode> benchModel(const Options &options);

} // namespace strata::bench
