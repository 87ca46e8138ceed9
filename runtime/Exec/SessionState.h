// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a session holds. Everything in it is made when the session is; steps allocate nothing.
#pragma once

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Exec/BoundProgram.h"
#include "runtime/Exec/OpenStore.h"
#include "runtime/Exec/PromptRun.h"
#include "runtime/Exec/SequenceTable.h"
#include "runtime/Exec/Session.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace strata {

/// The rows that Exec writes before a step.
struct StepInputs {
  std::vector<int32_t> tokens, positions, sequences;

  void add(int32_t token, uint32_t position, uint32_t sequence) {
    tokens.push_back(token);
    positions.push_back(static_cast<int32_t>(position));
    sequences.push_back(static_cast<int32_t>(sequence));
  }
  void clear() {
    tokens.clear();
    positions.clear();
    sequences.clear();
  }
  void reserve(size_t rows) {
    tokens.reserve(rows);
    positions.reserve(rows);
    sequences.reserve(rows);
  }
};

class SessionState {
public:
  SessionState(LoadedArtifact loaded, WeightFiles openedFiles, std::unique_ptr<Device> on,
               const EncodingChoice &encodings, uint32_t threadCount, uint32_t chunkTokens);

  /// Arenas, programs and the expert store; what can fail of making a state.
  Result<void> allocate(const gguf::Model &model, const SessionOptions &options);
  /// What the store has done so far is in no phase's account.
  void beginAccount() { accounted = experts.feed->store().statistics(); }
  /// Keeps loaded weights smaller where nothing is lost.
  void narrowWeights();
  /// Tells `toRecorder` of every step from now on.
  void record(RoutingRecorder &toRecorder);

  /// A session's decode step, of rows that have been checked; a prompt's next unit, true if it was the last.
  Result<void> decode(std::span<const DecodeRow> rows);
  Result<bool> advancePrompt();
  /// Session::fillPositions of a sequence and a number of positions that have been checked.
  Result<void> fillPositions(SequenceId sequence, uint32_t positions, uint64_t seed);
  /// Takes back the blocks of a pass that is not whole.
  void stopPrompt();

  /// Exit code 1 if it is not in the vocabulary.
  Result<void> checkToken(int32_t token) const;

  const schema::Settings &settings() const { return *artifact.root().settings(); }
  uint32_t vocabulary() const { return artifact.root().model()->vocabulary(); }

  LoadedArtifact artifact;
  WeightFiles files;
  std::unique_ptr<Device> device;
  EncodingChoice choice;
  uint32_t threads;
  Arenas arenas;
  StreamedExperts experts; ///< Nothing in it for a plan in one tier.
  SequenceTable sequences;
  std::byte *blockTable = nullptr; ///< SequenceTable's, on the device.
  std::vector<KvView> layers;
  std::unique_ptr<BoundProgram> decodeProgram, promptProgram;
  PromptRun prompt;
  StepInputs inputs;
  std::vector<float> decodeLogits;           ///< [sequences, vocabulary]
  size_t decodeRows = 0;                     ///< Of the last decode step.
  std::vector<float> promptLogits;           ///< [vocabulary]
  std::array<PhaseStatistics, 2> statistics; ///< By schema::Phase.

private:
  RoutingRecorder *recorder = nullptr;

  void beginRecording(RoutingPhase phase) {
    if (recorder)
      recorder->begin(phase, inputs.sequences, inputs.positions);
  }
  void endRecording(RoutingPhase phase) {
    if (recorder)
      recorder->end(phase);
  }
  using Clock = std::chrono::steady_clock;
  /// Adds to a phase's account what has been done since `begun`.
  void account(schema::Phase phase, uint64_t tokens, Clock::time_point begun);
  ExpertStoreStatistics accounted;

  Result<void> runDecode(size_t rows);
  Result<void> beginPass();
  Result<void> runUnit();
  /// Copies `inputs`, and the block table if it changed, to the device.
  Result<void> writeInputs(const BoundProgram &program);
  Result<void> readLogits(const BoundProgram &program, std::span<float> to);
};

} // namespace strata
