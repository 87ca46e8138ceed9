// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a compiled model: prompts and decode steps of several sequences on one set of arenas.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Device/Host/Isa.h"
#include "runtime/Memory/ExpertStoreStatistics.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Schema/artifact_generated.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

class Checksums;
class Device;
class LoadedArtifact;
class RoutingRecorder;
class Session;
class SessionState;
struct LocatedModel;

/// What a run may choose; nothing here changes a plan.
struct SessionOptions {
  std::optional<schema::ActivationEncoding> activations; ///< Nothing: what the artifact says, for each phase its own.
  std::optional<schema::KvEncoding> kv;                  ///< Nothing: what the artifact says.
  uint32_t threads = 0;                                  ///< 0: as many as the process may use.
  std::optional<Isa> isa;                                ///< Nothing: the best that the processor has.
  uint32_t chunkTokens = 0;                              ///< Rows of a chunk; 0: the artifact's, which is the most.
  /// Of the model's weights, which are then checked while they are read. Nothing: they are not.
  std::shared_ptr<const Checksums> checksums;
  /// Called now and then while weights are read, with bytes done and bytes in all.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// Of plans over several tiers: how experts are read, and how long one read may take.
  ReadBackend readBackend = ReadBackend::Automatic;
  uint32_t readDepth = 0; ///< Reads at one time, at most kMostReadDepth; 0: as the plan says.
  std::chrono::nanoseconds readTimeout = std::chrono::seconds(30);
  /// Another back end, for tests; the files outlive it.
  std::function<Result<std::unique_ptr<Reads>>(const WeightFiles &)> makeReads;
  /// When decoding, compute nothing before all experts of a layer are there. Slower; to measure by how much.
  bool waitForAllExperts = false;
  /// Told which experts every token uses, if there is one; must outlive the session. Results do not depend on it.
  RoutingRecorder *recorder = nullptr;
};

/// What a phase took so far.
struct PhaseStatistics {
  uint64_t tokens = 0;                           ///< Of prompts, or generated.
  std::chrono::nanoseconds taken{};              ///< In prompt units and decode steps.
  std::chrono::steady_clock::time_point begun{}; ///< Of the first of them,
  std::chrono::nanoseconds elapsed{};            ///< and from there to the end of the last: what lies between counts.
  uint64_t weightBytes = 0;                      ///< In memory, that products read; experts from the store left out.
  ExpertStoreStatistics experts;                 ///< In plans over several tiers; in others all is 0.
};

/// How far a prompt is.
struct PromptProgress {
  uint32_t layer = 0, layers = 0; ///< The one that runs next, from 0; at the end the last.
  double share = 0;               ///< Of the work, from 0 to 1, as if all stages took the same time.
};

/// The number of an open sequence, below Session::sequences().
using SequenceId = uint32_t;

/// One row of a decode step: `token` is appended to `sequence`.
struct DecodeRow {
  SequenceId sequence = 0;
  int32_t token = 0;
};

/// Which positions of a prompt get logits.
enum class WantedRows { last, all };

/// Receives the logits of one wanted position of a prompt, in ascending order of positions: `vocabulary` numbers, valid
/// during the call.
using LogitsSink = std::function<void(uint32_t position, std::span<const float> logits)>;

/// A prompt on its way through the model. `advance` does one unit of work (one chunk, one stage over all tokens, or one
/// wanted row); between two units decode steps of other sequences may run. One at a time; it must not outlive its
/// Session. Destroyed before its end it leaves the sequence as it was after its last whole pass.
class PromptStep {
public:
  PromptStep(PromptStep &&other) noexcept;
  PromptStep &operator=(PromptStep &&other) noexcept;
  ~PromptStep();

  /// True when the prompt is done and its tokens are part of the sequence. After an error the step is over.
  Result<bool> advance();
  /// Units done and units in all.
  uint64_t unitsDone() const;
  uint64_t units() const;
  PromptProgress progress() const;

private:
  friend class Session;
  PromptStep(SessionState *ofSession, uint64_t promptNumber) : state(ofSession), number(promptNumber) {}
  SessionState *state; ///< Nothing once moved from.
  uint64_t number;     ///< Which of the session's prompts it is.
};

class Session {
public:
  /// Allocates every arena and reads the resident weights. Exit code 1 if the model is not what was compiled, 3 if the
  /// machine has not enough memory (with the bytes needed and available, before anything is allocated).
  static Result<std::unique_ptr<Session>> create(LoadedArtifact artifact, const LocatedModel &model,
                                                 const SessionOptions &options);
  /// The same on a given device.
  static Result<std::unique_ptr<Session>> create(LoadedArtifact artifact, const LocatedModel &model,
                                                 std::unique_ptr<Device> device, const SessionOptions &options);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  const LoadedArtifact &artifact() const;
  uint32_t vocabulary() const; ///< Logits per row.
  uint32_t context() const;    ///< Positions of a sequence, at most.
  uint32_t sequences() const;  ///< Open sequences, and rows of a decode step, at most.
  uint32_t threads() const;
  /// What makes the device slower here than it could be (Device::notes).
  std::vector<std::string> deviceNotes() const;
  /// How experts are read (Reads::description); empty if all weights are in memory.
  std::string readsDescription() const;
  PhaseStatistics statistics(schema::Phase phase) const;
  schema::ActivationEncoding activations(schema::Phase phase) const;
  schema::KvEncoding kv() const;
  /// True if an option differs from what the artifact's prediction was made for.
  bool differsFromPlan() const;

  /// A sequence without positions. Exit code 1 if all are open.
  Result<SequenceId> openSequence();
  /// Gives its position blocks back; a prompt of it that runs is over.
  void closeSequence(SequenceId sequence);
  /// Positions that the sequence has.
  uint32_t positions(SequenceId sequence) const;
  /// Keeps the first `positions` positions (those that a next prompt has in common with this one), forgets the rest.
  Result<void> truncate(SequenceId sequence, uint32_t positions);
  /// Makes an empty sequence `positions` long without computing anything: its cache gets random numbers of the size of
  /// real ones, which depend on `seed` alone. For measurements of what comes after that many positions. Exit code 1 if
  /// they do not fit the context.
  Result<void> fillPositions(SequenceId sequence, uint32_t positions, uint64_t seed);

  /// Appends a prompt to a sequence. Tokens are copied. More of them than the artifact's prompt_tokens take several
  /// passes. Exit code 1 if there are none, if they do not fit the context, or if one is not in the vocabulary.
  Result<PromptStep> startPrompt(SequenceId sequence, std::span<const int32_t> tokens, WantedRows wanted,
                                 LogitsSink sink);

  /// Appends one token to each of up to `sequences()` different sequences. On an error no sequence has changed.
  Result<void> decode(std::span<const DecodeRow> rows);
  /// The logits of a row of the last decode step, valid until the next.
  std::span<const float> logits(std::size_t row) const;

private:
  explicit Session(std::unique_ptr<SessionState> made);
  std::unique_ptr<SessionState> state;
};

} // namespace strata
