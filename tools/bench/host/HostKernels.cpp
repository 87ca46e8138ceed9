// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/HostKernels.h"

#include "tools/bench/host/Clock.h"
#include "tools/bench/host/KernelCases.h"
#include "tools/bench/host/ModelBench.h"
#include "tools/bench/host/VnniPeak.h"

#include <fmt/format.h>
#include <iostream>

namespace strata::bench {

namespace {

std::vector<Column> columns() {
  return {{"kernel", "kernel"},
          {"shape", "shape"},
          {"activations", "activations"},
          {"isa", "isa"},
          {"n_threads", "threads"},
          {"median_us", "us"},
          {"gb_per_s", "GB/s"},
          {"streaming_read_gb_per_s", "streaming read"},
          {"of_streaming_read", "÷ read", 2},
          {"gops", "GOPS", 0},
          {"vnni_peak_gops", "VNNI peak", 0},
          {"of_vnni_peak", "÷ peak", 2},
          {"samples_us", ""}};
}

/// What the repetitions of a case gave; the last two are empty where there is nothing to hold it against.
struct Series {
  std::vector<double> seconds, reads, peaks;
};

/// Before every repetition all weights are read past, so that caches hold none of them.
Result<Series> measure(Stage &stage, const KernelCase &one, uint32_t repetitions) {
  STRATA_ASSIGN(auto run, one.prepare(stage));
  STRATA_TRY(run()); // Touches what it writes.
  bool againstPeak = one.roof == Roof::vnni && hasVnni();
  Series series;
  for (uint32_t repetition = 0; repetition < repetitions; ++repetition) {
    double read = stage.read().measure();
    double before = againstPeak ? vnniPeak(stage.pool()) : 0;
    STRATA_ASSIGN(double seconds, run());
    double after = againstPeak ? vnniPeak(stage.pool()) : 0;
    series.seconds.push_back(seconds);
    if (one.roof == Roof::memory)
      series.reads.push_back(read);
    if (againstPeak)
      series.peaks.push_back((before + after) / 2);
  }
  return series;
}

Cell perSecond(double amount, const Series &series) {
  if (amount == 0)
    return {};
  return amount / median(series.seconds) / 1e9;
}

/// The median of the repetitions' parts of what was measured beside each.
Cell partOf(double amount, const Series &series, const std::vector<double> &roofs) {
  std::vector<double> parts;
  for (size_t i = 0; i < roofs.size(); ++i)
    parts.push_back(amount / series.seconds[i] / roofs[i]);
  return parts.empty() ? Cell() : Cell(median(std::move(parts)));
}

Cell medianOf(const std::vector<double> &numbers) {
  return numbers.empty() ? Cell() : Cell(median(numbers) / 1e9);
}

std::vector<Cell> rowOf(const KernelCase &one, const Stage &stage, Isa isa, const Series &series) {
  std::vector<double> microseconds = series.seconds;
  for (double &number : microseconds)
    number *= 1e6;
  return {one.kernel,
          one.shape,
          one.activations.empty() ? Cell() : Cell(one.activations),
          std::string(isaName(isa)),
          uint64_t{stage.threads()},
          median(microseconds),
          perSecond(one.bytes, series),
          medianOf(series.reads),
          partOf(one.bytes, series, series.reads),
          perSecond(one.operations, series),
          medianOf(series.peaks),
          partOf(one.operations, series, series.peaks),
          microseconds};
}

/// Adds a row for every case with so many threads, and keeps what a machine file takes of them.
Result<void> addRows(const Options &options, uint32_t threads, Isa isa, FreshSlabs *slabs, Table &table,
                     MachineRates &rates) {
  std::vector<KernelCase> cases = kernelCases(options.host, slabs);
  if (cases.empty())
    return fail(
        ExitCode::CommandLine, "",
        "no kernel has such a name (--only): without it all are measured, and the first column has their names; "
        "fresh slabs need a GGUF as MODEL");
  STRATA_ASSIGN(std::unique_ptr<Stage> stage, Stage::create(threads, isa));
  for (const std::string &note : stage->device().notes())
    fmt::print(stderr, "strata-bench: note: {}\n", note);
  for (const KernelCase &one : cases) {
    STRATA_ASSIGN(Series series, measure(*stage, one, options.host.repetitions));
    table.add(rowOf(one, *stage, isa, series));
    if (one.rate)
      rates.*one.rate = one.operations / median(series.seconds);
  }
  return {};
}

} // namespace

Result<ExitCode> benchHostKernels(const Options &options) {
  std::unique_ptr<FreshSlabs> slabs;
  std::string file;
  if (!options.model.empty()) {
    STRATA_ASSIGN(slabs, FreshSlabs::open(options.model));
    file = escapeName(options.model.substr(options.model.find_last_of('/') + 1));
  }
  Isa isa = options.host.isa.value_or(bestIsa());
  if (!hasVnni())
    fmt::print(stderr, "strata-bench: note: this processor has no AVX-512 VNNI: there is no peak to hold products of "
                       "many columns against\n");
  Table table({buildCommit(), describeHost(), file.empty() ? "none" : file, "host"}, columns());
  MachineRates rates;
  for (uint32_t threads : options.host.threads)
    STRATA_TRY(addRows(options, threads, isa, slabs.get(), table, rates));
  std::cout << table.format(options.output);
  if (!options.host.machineFile.empty())
    STRATA_TRY(updateMachineFile(options.host.machineFile, rates));
  return ExitCode::Done;
}

} // namespace strata::bench
