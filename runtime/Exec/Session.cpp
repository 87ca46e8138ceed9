// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/Session.h"

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Artifact/LocateModel.h"
#include "runtime/Base/Checked.h"
#include "runtime/Base/HostLimits.h"
#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Exec/SessionState.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

static EncodingChoice chooseEncodings(const schema::Settings &settings, const SessionOptions &options) {
  EncodingChoice choice = plannedEncodings(settings);
  choice.decode = options.activations.value_or(choice.decode);
  choice.prompt = options.activations.value_or(choice.prompt);
  choice.kv = options.kv.value_or(choice.kv);
  return choice;
}

/// Everything that a session takes, on its device and beside it.
static MemoryNeed memoryNeed(const schema::Artifact &artifact, const EncodingChoice &choice, uint32_t threads) {
  const schema::Settings &settings = *artifact.settings();
  Checked arenas;
  for (uint64_t bytes : arenaBytes(artifact, choice))
    arenas += bytes;
  Checked logits = (Checked(settings.sequences()) + 1) * artifact.model()->vocabulary() * sizeof(float);
  Checked inputs = Checked(std::max(settings.sequences(), settings.prompt_tokens())) * 3 * sizeof(int32_t);
  Checked tables = Checked(artifact.kv()->blocks()) * 3 * sizeof(int32_t);
  Checked session = logits + inputs + tables + Checked(settings.context()) * sizeof(int32_t) +
                    loadBufferBytes(artifact.experts() != nullptr);
  for (const schema::Program *program : *artifact.programs())
    session += BoundProgram::hostBytes(*program);
  session += ExpertFeed::hostBytes(feedShape(artifact));
  constexpr Checked kEverything(~uint64_t(0));
  auto orEverything = [&](Checked bytes) { return (bytes.valid() ? bytes : kEverything).value(); };
  return {orEverything(arenas), orEverything(Checked(artifact.worker_scratch_bytes()) * threads),
          orEverything(session)};
}

/// What is always needed first, then experts; the progress is that of both together.
static Result<void> load(SessionState &state, const SessionOptions &options) {
  ExpertStore *store = state.experts.feed ? &state.experts.feed->store() : nullptr;
  uint64_t ofExperts = store ? store->loadBytes() : 0, dense = 0;
  auto report = [&](uint64_t done, uint64_t total) {
    dense = total;
    if (options.progress)
      options.progress(done, total + ofExperts);
  };
  // A plan over several tiers has a budget that the page cache counts in: weights are read past it.
  STRATA_TRY(loadWeights(state.artifact.root(), state.files, *state.device,
                         state.arenas.base(schema::ArenaKind::weights),
                         {report, options.checksums.get(), state.experts.reads.get()}));
  state.narrowWeights();
  if (!store)
    return {};
  uint64_t loaded = 0;
  STRATA_TRY(store->load([&](uint64_t bytes) {
    loaded += bytes;
    if (options.progress)
      options.progress(dense + loaded, dense + ofExperts);
  }));
  state.beginAccount();
  return {};
}

/// Checks all that can be checked before memory is taken, then takes it.
template <typename MakeDevice>
static Result<std::unique_ptr<SessionState>> makeState(LoadedArtifact artifact, const LocatedModel &model,
                                                       const SessionOptions &options, uint32_t threads,
                                                       MakeDevice makeDevice) {
  const schema::Artifact &root = artifact.root();
  STRATA_TRY(requireRunnable(root));
  uint32_t mostChunkTokens = root.settings()->chunk_tokens();
  if (options.chunkTokens > mostChunkTokens)
    return fail(ExitCode::CommandLine, "",
                fmt::format("chunks of {} tokens do not fit the artifact's arenas: at most {}", options.chunkTokens,
                            mostChunkTokens));
  EncodingChoice choice = chooseEncodings(*root.settings(), options);
  if (root.arenas()->Get(0)->device() == schema::DeviceKind::gpu && choice != plannedEncodings(*root.settings()))
    return fail(ExitCode::Machine, "",
                "the artifact's kernels are for the activations and the KV cache that it was compiled for: compile the "
                "model with "
                "the --activations and --kv that are wanted");
  STRATA_TRY(checkTensorsOf(root, model.gguf));
  STRATA_ASSIGN(WeightFiles files, WeightFiles::open(model.gguf.files()));
  STRATA_TRY(checkMemory(root, choice, memoryNeed(root, choice, threads), hostLimits().availableBytes));
  STRATA_ASSIGN(std::unique_ptr<Device> device, makeDevice());
  auto state = std::make_unique<SessionState>(std::move(artifact), std::move(files), std::move(device), choice, threads,
                                              options.chunkTokens ? options.chunkTokens : mostChunkTokens);
  STRATA_TRY(state->allocate(model.gguf, options));
  if (options.recorder)
    state->record(*options.recorder);
  STRATA_TRY(load(*state, options));
  return state;
}

static uint32_t defaultThreads(const schema::Artifact &artifact) {
  uint32_t cores = hostLimits().cores;
  return artifact.experts() ? coresBesideReads(cores) : cores;
}

Result<std::unique_ptr<Session>> Session::create(LoadedArtifact artifact, const LocatedModel &model,
                                                 const SessionOptions &options) {
  HostDeviceOptions host;
  host.threads = options.threads ? options.threads : defaultThreads(artifact.root());
  host.workerScratchBytes = artifact.root().worker_scratch_bytes();
  host.isa = options.isa.value_or(bestIsa());
  auto makeDevice = [&]() -> Result<std::unique_ptr<Device>> { return HostDevice::create(host); };
  STRATA_ASSIGN(auto made, makeState(std::move(artifact), model, options, host.threads, makeDevice));
  return std::unique_ptr<Session>(new Session(std::move(made)));
}

Result<std::unique_ptr<Session>> Session::create(LoadedArtifact artifact, const LocatedModel &model,
                                                 std::unique_ptr<Device> device, const SessionOptions &options) {
  auto takeDevice = [&]() -> Result<std::unique_ptr<Device>> { return std::move(device); };
  STRATA_ASSIGN(auto made, makeState(std::move(artifact), model, options, std::max(options.threads, 1u), takeDevice));
  return std::unique_ptr<Session>(new Session(std::move(made)));
}

Session::Session(std::unique_ptr<SessionState> made) : state(std::move(made)) {}
Session::~Session() = default;

const LoadedArtifact &Session::artifact() const {
  return state->artifact;
}
uint32_t Session::vocabulary() const {
  return state->vocabulary();
}
uint32_t Session::context() const {
  return state->settings().context();
}
uint32_t Session::sequences() const {
  return state->settings().sequences();
}
std::vector<std::string> Session::deviceNotes() const {
  return state->device->notes();
}
uint32_t Session::threads() const {
  return state->threads;
}
std::string Session::readsDescription() const {
  return state->experts.reads ? state->experts.reads->description() : "";
}
PhaseStatistics Session::statistics(schema::Phase phase) const {
  return state->statistics[static_cast<size_t>(phase)];
}
schema::KvEncoding Session::kv() const {
  return state->choice.kv;
}
bool Session::differsFromPlan() const {
  return state->choice != plannedEncodings(state->settings());
}

schema::ActivationEncoding Session::activations(schema::Phase phase) const {
  return phase == schema::Phase::decode ? state->choice.decode : state->choice.prompt;
}

Result<SequenceId> Session::openSequence() {
  if (auto sequence = state->sequences.open())
    return *sequence;
  return fail(ExitCode::Input, "",
              fmt::format("all {} sequences are in use: compile with more --sequences", sequences()));
}

void Session::closeSequence(SequenceId sequence) {
  if (state->prompt.isRunning() && state->prompt.sequence() == sequence)
    state->stopPrompt();
  state->sequences.close(sequence);
}

uint32_t Session::positions(SequenceId sequence) const {
  return state->sequences.isOpen(sequence) ? state->sequences.positions(sequence) : 0;
}

/// What only a mistake of ours can ask for.
static tl::unexpected<Error> misuse(SequenceId sequence, std::string_view why) {
  return fail(ExitCode::Bug, "", fmt::format("sequence {} {}", sequence, why));
}

Result<void> Session::truncate(SequenceId sequence, uint32_t positions) {
  if (!state->sequences.isOpen(sequence))
    return misuse(sequence, "is not open");
  if (state->prompt.isRunning() && state->prompt.sequence() == sequence)
    return misuse(sequence, "is cut while its prompt runs");
  if (positions > state->sequences.positions(sequence))
    return misuse(sequence, fmt::format("has fewer than {} positions", positions));
  state->sequences.setPositions(sequence, positions);
  return {};
}

Result<void> Session::fillPositions(SequenceId sequence, uint32_t positions, uint64_t seed) {
  if (!state->sequences.isOpen(sequence))
    return misuse(sequence, "is not open");
  if ((state->prompt.isRunning() && state->prompt.sequence() == sequence) || state->sequences.positions(sequence) > 0)
    return misuse(sequence, "is filled but not empty");
  if (positions > context())
    return fail(ExitCode::Input, "",
                fmt::format("{} positions do not fit the context of {}: compile with a larger --context", positions,
                            context()));
  return state->fillPositions(sequence, positions, seed);
}

static Result<void> checkRow(const SessionState &state, const DecodeRow &row) {
  if (!state.sequences.isOpen(row.sequence))
    return misuse(row.sequence, "is not open");
  if (state.prompt.isRunning() && state.prompt.sequence() == row.sequence)
    return misuse(row.sequence, "is decoded while its prompt runs");
  if (uint32_t context = state.settings().context(); state.sequences.positions(row.sequence) == context)
    return fail(ExitCode::Input, "",
                fmt::format("the context of {} positions is full: compile with a larger --context", context));
  return state.checkToken(row.token);
}

Result<void> Session::decode(std::span<const DecodeRow> rows) {
  if (rows.empty() || rows.size() > sequences())
    return fail(ExitCode::Bug, "", fmt::format("a decode step has 1 to {} rows and not {}", sequences(), rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    STRATA_TRY(checkRow(*state, rows[i]));
    for (size_t other = 0; other < i; ++other)
      if (rows[other].sequence == rows[i].sequence)
        return misuse(rows[i].sequence, "is twice in a decode step");
  }
  return state->decode(rows);
}

std::span<const float> Session::logits(size_t row) const {
  if (row >= state->decodeRows)
    return {};
  return std::span<const float>(state->decodeLogits).subspan(row * vocabulary(), vocabulary());
}

} // namespace strata
