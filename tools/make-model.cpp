// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// make-model: a model of random weights in the shape of a published one, for measurements and tests.
#include "runtime/Base/HostLimits.h"
#include "tools/CommandLine.h"
#include "tools/make-model/WriteModel.h"

#include <charconv>
#include <fmt/format.h>

using namespace strata;

namespace {

/// "1+2": so many dense layers, then so many with experts.
bool parseLayers(std::string_view text, making::Shape &shape) {
  auto count = [](std::string_view digits, uint32_t &value) {
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value <= 1000;
  };
  size_t plus = text.find('+');
  return plus != std::string_view::npos && count(text.substr(0, plus), shape.denseLayers) &&
         count(text.substr(plus + 1), shape.moeLayers) && shape.moeLayers > 0;
}

/// Narrow, for tests; every other width is the full model's.
void makeSmall(making::Shape &shape) {
  shape.embedding = 256;
  shape.feedForward = 512;
  shape.expertFeedForward = 64;
  shape.heads = 4;
  shape.queryRank = 128;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Writes a GGUF of random weights in the shape of a published model.", "make-model");
  prepareCommandLine(app);
  making::Shape shape;
  std::string like, layers = "3+58", path;
  unsigned threads = hostLimits().cores;
  app.add_option("--like", like, "deepseek-v3.1, or deepseek-v3.1-small: the same with narrow layers")
      ->required()
      ->check(CLI::IsMember({"deepseek-v3.1", "deepseek-v3.1-small"}));
  app.add_option("--layers", layers, "DENSE+MOE, each at most 1000 and MOE at least 1")
      ->check([&shape](const std::string &text) {
        return parseLayers(text, shape) ? "" : "--layers=" + text + ": give DENSE+MOE, as 1+2, with at most 1000 each";
      })
      ->capture_default_str();
  app.add_option("--experts", shape.experts, "of each MoE layer")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--vocab", shape.vocabulary, "tokens")
      ->check(CLI::Range(making::kSmallestVocabulary, uint32_t{1} << 20))
      ->capture_default_str();
  app.add_option("--seed", shape.seed, "equal seeds and shapes give equal files")->capture_default_str();
  app.add_option("--threads", threads, "that write; without it one per core")->check(CLI::Range(1, 1024));
  app.add_option("-o,--output", path, "the file to write")->required();
  return runTool("make-model", app, argc, argv, [&]() -> Result<ExitCode> {
    if (like == "deepseek-v3.1-small")
      makeSmall(shape);
    making::chooseGroups(shape);
    STRATA_TRY(making::writeModel(shape, path, threads));
    return ExitCode::Done;
  });
}
