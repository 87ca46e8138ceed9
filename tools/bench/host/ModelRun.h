// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A compiled model on the host, to be measured: prompts and generated tokens, as llama-bench runs them.
#pragma once

#include "runtime/Artifact/LocateModel.h"
#include "runtime/Exec/Session.h"
#include "tools/bench/Options.h"
#include "tools/bench/host/TimedDevice.h"

#include <random>

namespace strata::bench {

/// What is run: a prompt, or tokens generated one after the other; the other of the two is 0.
struct Test {
  uint32_t prompt = 0;
  uint32_t generated = 0;
  uint32_t depth = 0; ///< Positions that the cache has before.

  uint32_t tokens() const { return prompt + generated; }
  /// As llama-bench writes it: "pp512", "tg128 @ d8192".
  std::string name() const;
};

/// Every test of the lists, in the order of llama-bench: depth by depth, prompts first.
std::vector<Test> testsOf(const HostOptions &options);

/// How a session is made.
struct Setting {
  uint32_t threads = 1;
  std::string activations; ///< auto, i8, i16, f32
};

/// Every combination of the lists.
std::vector<Setting> settingsOf(const HostOptions &options);

struct Sample {
  double seconds = 0;
  OperationSeconds operations;
};

class ModelRun {
public:
  /// Reads the model's weights. Exit code 3 if the artifact was compiled for a GPU, or as Session::create.
  static Result<std::unique_ptr<ModelRun>> open(const Options &options, const Setting &setting);

  /// Exit code 1 if the test needs a longer context than the artifact has.
  Result<void> check(const Test &test) const;
  /// Runs the test once on random tokens of the vocabulary; what fills the cache is not part of the time.
  Result<Sample> run(const Test &test);

  const Session &session() const { return *made; }
  const schema::Artifact &artifact() const { return made->artifact().root(); }
  const std::string &modelPath() const { return path; } ///< Of the GGUF's first file.

private:
  ModelRun() = default;
  Result<void> work(const Test &test, SequenceId sequence);

  std::string path;
  TimedDevice *device = nullptr; ///< The session's.
  std::unique_ptr<Session> made;
  std::mt19937 random{1};
  std::vector<int32_t> tokens;
};

} // namespace strata::bench
