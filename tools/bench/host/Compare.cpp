// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/Compare.h"

#include "tools/bench/host/Clock.h"
#include "tools/bench/host/ModelBench.h"
#include "tools/bench/host/OtherProgram.h"

#include <fmt/format.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace strata::bench {

namespace {

std::vector<std::string> words(const std::string &text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<std::string> peerArguments(const ModelRun &run, const Options &options, const Test &test) {
  std::vector<std::string> arguments = {"-m", run.modelPath(),
                                        "-p", std::to_string(test.prompt),
                                        "-n", std::to_string(test.generated),
                                        "-d", std::to_string(test.depth),
                                        "-t", std::to_string(run.session().threads()),
                                        "-r", "1",
                                        "-o", "json"};
  for (std::string &word : words(options.host.compareOptions))
    arguments.push_back(std::move(word));
  return arguments;
}

/// Tokens a second of both engines, round by round.
struct Rounds {
  std::vector<double> own, peer, ratios;
  std::string peerCommit;
};

Result<Rounds> runRounds(ModelRun &run, const Options &options, const Test &test) {
  Rounds rounds;
  std::vector<std::string> arguments = peerArguments(run, options, test);
  auto own = [&]() -> Result<void> {
    STRATA_ASSIGN(Sample sample, run.run(test));
    rounds.own.push_back(test.tokens() / sample.seconds);
    return {};
  };
  auto peer = [&]() -> Result<void> {
    STRATA_ASSIGN(std::string output, outputOf(options.host.compare, arguments));
    STRATA_ASSIGN(PeerSample sample, parseLlamaBench(output));
    rounds.peer.push_back(sample.tokensPerSecond);
    rounds.peerCommit = sample.commit;
    return {};
  };
  STRATA_TRY(run.run(test)); // llama-bench has a run before the first, too.
  for (uint32_t round = 0; round < options.host.repetitions; ++round) {
    if (round % 2 == 0)
      STRATA_TRY(own());
    STRATA_TRY(peer());
    if (round % 2 != 0)
      STRATA_TRY(own());
    rounds.ratios.push_back(rounds.own.back() / rounds.peer.back());
    fmt::print(stderr, "strata-bench: {}, {} threads, round {} of {}: {:.2f} and {:.2f} tokens/s\n", test.name(),
               run.session().threads(), round + 1, options.host.repetitions, rounds.own.back(), rounds.peer.back());
  }
  return rounds;
}

std::vector<Column> columns() {
  std::vector<Column> all = testColumns();
  for (Column column : std::vector<Column>{{"rounds", "rounds"},
                                           {"median_ts", "Strata t/s", 2},
                                           {"peer_median_ts", "llama.cpp t/s", 2},
                                           {"ratio", "ratio", 2},
                                           {"least_ratio", "least", 2},
                                           {"most_ratio", "most", 2},
                                           {"samples_ts", ""},
                                           {"peer_samples_ts", ""},
                                           {"peer_build_commit", ""},
                                           {"peer_options", ""}})
    all.push_back(std::move(column));
  return all;
}

std::vector<Cell> figures(const Options &options, const Rounds &rounds) {
  double own = median(rounds.own), peer = median(rounds.peer);
  auto [least, most] = std::minmax_element(rounds.ratios.begin(), rounds.ratios.end());
  return {uint64_t{rounds.ratios.size()},
          own,
          peer,
          own / peer,
          *least,
          *most,
          rounds.own,
          rounds.peer,
          rounds.peerCommit,
          escapeName(options.host.compareOptions)};
}

/// Adds a row for every test with one setting.
Result<void> addRows(const Options &options, const Setting &setting, std::optional<Table> &table) {
  STRATA_ASSIGN(std::unique_ptr<ModelRun> run, ModelRun::open(options, setting));
  if (!table)
    printNotes(run->session());
  std::vector<Test> tests = testsOf(options.host);
  for (const Test &test : tests)
    STRATA_TRY(run->check(test));
  for (const Test &test : tests) {
    STRATA_ASSIGN(Rounds rounds, runRounds(*run, options, test));
    if (!table) {
      table.emplace(runInfoOf(*run), columns());
      table->addNote(fmt::format("medians; ratio: Strata's by llama.cpp's, and the least and most of a round\n"
                                 "llama.cpp {} {}\n",
                                 rounds.peerCommit, escapeName(options.host.compareOptions)));
    }
    std::vector<Cell> row = testCells(*run, options, test);
    for (Cell &cell : figures(options, rounds))
      row.push_back(std::move(cell));
    table->add(std::move(row));
  }
  return {};
}

} // namespace

Result<PeerSample> parseLlamaBench(const std::string &json) {
  auto rows = nlohmann::json::parse(json, nullptr, false);
  PeerSample best;
  if (rows.is_array())
    for (const auto &row : rows) {
      if (!row.is_object() || !row.contains("avg_ts") || !row["avg_ts"].is_number())
        continue;
      double speed = row["avg_ts"].get<double>();
      if (speed <= best.tokensPerSecond)
        continue;
      best.tokensPerSecond = speed;
      if (row.contains("build_commit") && row["build_commit"].is_string())
        best.commit = escapeName(row["build_commit"].get<std::string>());
    }
  if (best.tokensPerSecond > 0)
    return best;
  return fail(ExitCode::Input, "",
              "what the program of --compare printed is not the json of llama-bench (no row with avg_ts above 0): give "
              "the path of a llama-bench, and no -o among --compare-options");
}

Result<ExitCode> compareModel(const Options &options) {
  std::optional<Table> table;
  for (const Setting &setting : settingsOf(options.host))
    STRATA_TRY(addRows(options, setting, table));
  std::cout << table->format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
