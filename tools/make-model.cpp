// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// make-model: a model of random weights in the shape of a published one, for measurements and tests.
#include "runtime/Base/HostLimits.h"
#include "tools/CommandLine.h"
#include "tools/make-model/Skew.h"
#include "tools/make-model/WriteModel.h"
#include "tools/run/Interrupt.h"

#include <charconv>
#include <cstdio>
#include <fmt/format.h>
#include <optional>

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

Result<ExitCode> make(const making::Shape &shape, double exponent, const std::string &path,
                      making::WriteOptions options) {
  std::optional<making::Skew> skew;
  if (exponent > 0) {
    STRATA_ASSIGN(skew, making::Skew::create(shape, exponent));
  }
  // From here on Ctrl-C leaves nothing behind.
  STRATA_TRY(run::Interrupt::install());
  options.interrupted = run::Interrupt::raised;
  std::vector<making::Tensor> tensors = making::listTensors(shape, skew ? &*skew : nullptr);
  STRATA_ASSIGN(bool whole, making::writeModel(shape, tensors, path, options));
  if (!whole) {
    fmt::print(stderr, "make-model: interrupted; nothing is left of {}\n", escapeName(path));
    return ExitCode::Interrupted;
  }
  if (skew)
    fmt::print("{}", skew->describe());
  return ExitCode::Done;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Writes a GGUF of random weights in the shape of a published model.", "make-model");
  prepareCommandLine(app);
  making::Shape shape;
  std::string like, layers = "3+58", path;
  double skew = 0;
  making::WriteOptions options{.threads = hostLimits().cores};
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
  app.add_option(
         "--skew", skew,
         "0 to 1.5: of a layer's experts, the one of rank r is used in proportion to 1 / r^SKEW; 0 uses all alike")
      ->check([](const std::string &text) {
        double value = 0;
        // Written so that "nan" is refused.
        bool good = CLI::detail::lexical_cast(text, value) && value >= 0 && value <= 1.5;
        return good ? "" : "--skew=" + text + ": give a number from 0 to 1.5";
      })
      ->capture_default_str();
  app.add_flag("--sparse", options.sparse,
               "leave holes for the experts: the file has its size and takes little space; for loading and planning");
  app.add_option("--threads", options.threads, "that write; without it one per core")->check(CLI::Range(1, 1024));
  app.add_option("-o,--output", path, "the file to write")->required();
  return runTool("make-model", app, argc, argv, [&]() -> Result<ExitCode> {
    if (like == "deepseek-v3.1-small")
      makeSmall(shape);
    making::chooseGroups(shape);
    return make(shape, skew, path, options);
  });
}
