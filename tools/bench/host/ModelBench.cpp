// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/ModelBench.h"

#include "runtime/Base/HostLimits.h"
#include "tools/bench/host/Clock.h"
#include "tools/probe/StreamingRead.h"

#include <fmt/format.h>
#include <fstream>
#include <iostream>

namespace strata::bench {

namespace {

constexpr double kGibi = 1024.0 * 1024.0 * 1024.0;

std::string processorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (size_t colon = line.find(": "); colon != std::string::npos)
        return escapeName(line.substr(colon + 2));
  return "unknown processor";
}

/// "deepseek2 Q4_0": the encoding is the one that most of the weights' bytes are in.
std::string modelType(const schema::Artifact &artifact) {
  std::map<uint32_t, uint64_t> bytes;
  for (const schema::Tensor *tensor : *artifact.tensors())
    bytes[tensor->encoding()] += tensor->bytes();
  auto most = std::max_element(bytes.begin(), bytes.end(),
                               [](const auto &one, const auto &other) { return one.second < other.second; });
  std::string type = escapeName(artifact.model()->architecture()->string_view());
  if (most != bytes.end())
    type += fmt::format(" {}", encodingInfo(static_cast<Encoding>(most->first)).name);
  return type;
}

struct Size {
  uint64_t bytes = 0, parameters = 0;
};

Size sizeOf(const schema::Artifact &artifact) {
  Size size;
  for (const schema::TensorClass *tensors : *artifact.prediction()->classes()) {
    size.bytes += tensors->bytes();
    size.parameters += tensors->parameters();
  }
  return size;
}

/// What repetitions of a test gave.
struct Series {
  std::vector<double> seconds, tokensPerSecond, attention, experts;
  std::vector<double> reads,
      ofRead; ///< Of decoding: the streaming read before each repetition, and a step's part of it.
};

std::vector<Column> columns() {
  std::vector<Column> all = testColumns();
  for (Column column : std::vector<Column>{{"t_s", "t/s"},
                                           {"avg_ns", ""},
                                           {"stddev_ns", ""},
                                           {"avg_ts", ""},
                                           {"stddev_ts", ""},
                                           {"median_ts", "median", 2},
                                           {"weight_bytes_per_token", ""},
                                           {"gb_per_s", "GB/s"},
                                           {"streaming_read_gb_per_s", "streaming read"},
                                           {"of_streaming_read", "÷ read", 2},
                                           {"attention_percent", "attention %", 0},
                                           {"experts_percent", "experts %", 0},
                                           {"samples_ns", ""},
                                           {"samples_ts", ""}})
    all.push_back(std::move(column));
  return all;
}

std::vector<Cell> figures(const ModelRun &run, const Test &test, const Series &series) {
  std::vector<double> nanoseconds = series.seconds;
  for (double &number : nanoseconds)
    number *= 1e9;
  double average = mean(series.tokensPerSecond), spread = deviation(series.tokensPerSecond);
  Cell bytes, speed, read, ofRead;
  if (test.generated > 0) {
    bytes = run.artifact().prediction()->bytes_per_token();
    speed = static_cast<double>(std::get<uint64_t>(bytes)) * median(series.tokensPerSecond) / 1e9;
    if (!series.reads.empty()) {
      read = median(series.reads) / 1e9;
      ofRead = median(series.ofRead);
    }
  }
  return {fmt::format("{:.2f} ± {:.2f}", average, spread),
          mean(nanoseconds),
          deviation(nanoseconds),
          average,
          spread,
          median(series.tokensPerSecond),
          bytes,
          speed,
          read,
          ofRead,
          100 * median(series.attention),
          100 * median(series.experts),
          nanoseconds,
          series.tokensPerSecond};
}

/// More than a processor's caches hold, and a few per cent of what a machine for such models has.
constexpr uint64_t kReadBytes = uint64_t{1} << 30;

/// `read` may be absent: decoding alone is held against it.
Result<Series> measure(ModelRun &run, const Test &test, uint32_t repetitions, probe::StreamingRead *read) {
  Series series;
  STRATA_TRY(run.run(test)); // Touches the arenas, as llama-bench's run before the first does.
  auto bytes = static_cast<double>(run.artifact().prediction()->bytes_per_token());
  for (uint32_t repetition = 0; repetition < repetitions; ++repetition) {
    bool reads = test.generated > 0 && read && read->valid();
    double speed = reads ? read->measure() : 0;
    STRATA_ASSIGN(Sample sample, run.run(test));
    series.seconds.push_back(sample.seconds);
    series.tokensPerSecond.push_back(test.tokens() / sample.seconds);
    series.attention.push_back(sample.operations.attention / sample.seconds);
    series.experts.push_back(sample.operations.experts / sample.seconds);
    if (reads) {
      series.reads.push_back(speed);
      series.ofRead.push_back(bytes * series.tokensPerSecond.back() / speed);
    }
  }
  return series;
}

/// Adds a row for every test with one setting.
Result<void> addRows(const Options &options, const Setting &setting, std::optional<Table> &table) {
  STRATA_ASSIGN(std::unique_ptr<ModelRun> run, ModelRun::open(options, setting));
  if (!table) {
    printNotes(run->session());
    table.emplace(runInfoOf(*run), columns());
  }
  std::vector<Test> tests = testsOf(options.host);
  for (const Test &test : tests)
    STRATA_TRY(run->check(test));
  std::unique_ptr<probe::StreamingRead> read;
  if (!options.host.generated.empty())
    read = std::make_unique<probe::StreamingRead>(kReadBytes, setting.threads);
  for (const Test &test : tests) {
    STRATA_ASSIGN(Series series, measure(*run, test, options.host.repetitions, read.get()));
    std::vector<Cell> row = testCells(*run, options, test);
    for (Cell &cell : figures(*run, test, series))
      row.push_back(std::move(cell));
    table->add(std::move(row));
  }
  return {};
}

} // namespace

std::string describeHost() {
  HostLimits limits = hostLimits();
  return fmt::format("{}, {} {}, {:.1f} GiB", processorName(), limits.cores, limits.cores == 1 ? "core" : "cores",
                     static_cast<double>(limits.ramBytes) / kGibi);
}

RunInfo runInfoOf(const ModelRun &run) {
  return {buildCommit(), describeHost(), escapeName(run.artifact().model()->files()->Get(0)->name()->string_view()),
          "host"};
}

std::vector<Column> testColumns() {
  return {{"model_type", "model"},
          {"model_size", ""},
          {"size", "size"},
          {"model_n_params", ""},
          {"params", "params"},
          {"backend", "backend"},
          {"n_threads", "threads"},
          {"activations", "activations"},
          {"type_kv", "kv"},
          {"n_prompt", ""},
          {"n_gen", ""},
          {"n_depth", ""},
          {"test", "test"}};
}

std::vector<Cell> testCells(const ModelRun &run, const Options &options, const Test &test) {
  Size size = sizeOf(run.artifact());
  schema::Phase phase = test.prompt > 0 ? schema::Phase::prompt : schema::Phase::decode;
  return {modelType(run.artifact()),
          size.bytes,
          fmt::format("{:.2f} GiB", static_cast<double>(size.bytes) / kGibi),
          size.parameters,
          fmt::format("{:.2f} B", static_cast<double>(size.parameters) / 1e9),
          std::string(isaName(options.host.isa.value_or(bestIsa()))),
          uint64_t{run.session().threads()},
          std::string(schema::EnumNameActivationEncoding(run.session().activations(phase))),
          std::string(schema::EnumNameKvEncoding(run.session().kv())),
          uint64_t{test.prompt},
          uint64_t{test.generated},
          uint64_t{test.depth},
          test.name()};
}

void printNotes(const Session &session) {
  for (const std::string &note : session.deviceNotes())
    fmt::print(stderr, "strata-bench: note: {}\n", note);
}

Result<ExitCode> benchModel(const Options &options) {
  std::optional<Table> table;
  for (const Setting &setting : settingsOf(options.host))
    STRATA_TRY(addRows(options, setting, table));
  std::cout << table->format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
