// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/SessionState.h"

#include "runtime/Memory/NarrowWeights.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

SessionState::SessionState(LoadedArtifact loaded, WeightFiles openedFiles, std::unique_ptr<Device> on,
                           const EncodingChoice &encodings, uint32_t threadCount, uint32_t chunkTokens)
    : artifact(std::move(loaded)), files(std::move(openedFiles)), device(std::move(on)), choice(encodings),
      threads(threadCount), sequences(settings().sequences(), artifact.root().kv()->blocks_per_sequence(),
                                      artifact.root().kv()->block_positions()),
      prompt(settings().context(), settings().prompt_tokens(), chunkTokens) {
  inputs.reserve(std::max(settings().sequences(), settings().prompt_tokens()));
  decodeLogits.resize(uint64_t(settings().sequences()) * vocabulary());
  promptLogits.resize(vocabulary());
}

static std::vector<KvView> viewLayers(const schema::KvLayout &layout, schema::KvEncoding encoding, std::byte *arena,
                                      const std::byte *blockTable) {
  // A19 made sure that all of this is inside the arena.
  uint64_t numbers = uint64_t(layout.latent()) + layout.rope();
  uint64_t blockBytes = layout.block_positions() * numbers * (encoding == schema::KvEncoding::f16 ? 2 : 4);
  std::vector<KvView> views;
  for (uint32_t layer = 0; layer < layout.layers(); ++layer) {
    KvView view;
    view.layer = arena + uint64_t(layer) * layout.blocks() * blockBytes;
    view.blockTable = reinterpret_cast<const int32_t *>(blockTable);
    view.blockBytes = blockBytes;
    view.blocksPerSequence = layout.blocks_per_sequence();
    view.blockPositions = layout.block_positions();
    view.latent = layout.latent();
    view.rope = layout.rope();
    view.encoding = encoding;
    views.push_back(view);
  }
  return views;
}

Result<void> SessionState::allocate(const gguf::Model &model, const SessionOptions &options) {
  const schema::Artifact &root = artifact.root();
  STRATA_ASSIGN(arenas, Arenas::allocate(*device, root, choice));
  STRATA_ASSIGN(blockTable, device->allocate(sequences.table().size_bytes()));
  layers = viewLayers(*root.kv(), choice.kv, arenas.base(schema::ArenaKind::kv), blockTable);
  STRATA_ASSIGN(experts, openExperts(root, model, files, options));
  Binding binding = {&root, &arenas, layers, device.get(), experts.feed.get()};
  decodeProgram = std::make_unique<BoundProgram>(binding, *root.programs()->Get(0), choice.decode);
  promptProgram = std::make_unique<BoundProgram>(binding, *root.programs()->Get(1), choice.prompt);
  return {};
}

void SessionState::narrowWeights() {
  if (device->kind() != schema::DeviceKind::host)
    return; // Kernels are for what the artifact says.
  std::vector<const std::byte *> narrowed =
      strata::narrowWeights(artifact.root(), arenas.base(schema::ArenaKind::weights));
  decodeProgram->narrow(narrowed);
  promptProgram->narrow(narrowed);
}

void SessionState::record(RoutingRecorder &toRecorder) {
  recorder = &toRecorder;
  decodeProgram->record(toRecorder);
  promptProgram->record(toRecorder);
}

Result<void> SessionState::checkToken(int32_t token) const {
  if (token >= 0 && static_cast<uint32_t>(token) < vocabulary())
    return {};
  return fail(ExitCode::Input, "",
              fmt::format("token {} is not in the vocabulary of {}: give tokens from 0 to {}", token, vocabulary(),
                          vocabulary() - 1));
}

Result<void> SessionState::decode(std::span<const DecodeRow> rows) {
  inputs.clear();
  for (const DecodeRow &row : rows) {
    uint32_t position = sequences.positions(row.sequence);
    sequences.reserve(row.sequence, position + 1);
    inputs.add(row.token, position, row.sequence);
  }
  Clock::time_point begun = Clock::now();
  auto result = runDecode(rows.size());
  account(schema::Phase::decode, result ? rows.size() : 0, begun);
  if (!result) {
    for (const DecodeRow &row : rows) // Takes a new block back.
      sequences.setPositions(row.sequence, sequences.positions(row.sequence));
    return result;
  }
  for (const DecodeRow &row : rows)
    sequences.setPositions(row.sequence, sequences.positions(row.sequence) + 1);
  return {};
}

void SessionState::account(schema::Phase phase, uint64_t tokens, Clock::time_point begun) {
  PhaseStatistics &of = statistics[static_cast<size_t>(phase)];
  of.tokens += tokens;
  Clock::time_point end = Clock::now();
  if (of.taken.count() == 0)
    of.begun = begun;
  of.taken += end - begun;
  of.elapsed = end - of.begun;
  of.weightBytes = (phase == schema::Phase::decode ? decodeProgram : promptProgram)->weightBytesRead();
  if (!experts.feed)
    return;
  const ExpertStoreStatistics &now = experts.feed->store().statistics();
  of.experts.add(now, accounted);
  accounted = now;
}

Result<void> SessionState::runDecode(size_t rows) {
  decodeRows = 0;
  STRATA_TRY(writeInputs(*decodeProgram));
  beginRecording(RoutingPhase::Generated);
  for (size_t stage = 0; stage < decodeProgram->stages(); ++stage)
    STRATA_TRY(decodeProgram->run(stage, 0, rows));
  STRATA_TRY(device->synchronise());
  STRATA_TRY(readLogits(*decodeProgram, std::span(decodeLogits).first(rows * vocabulary())));
  decodeRows = rows;
  endRecording(RoutingPhase::Generated);
  return {};
}

Result<bool> SessionState::advancePrompt() {
  Clock::time_point begun = Clock::now();
  auto result = runUnit();
  account(schema::Phase::prompt, 0, begun);
  if (!result) {
    stopPrompt();
    return tl::unexpected<Error>(std::move(result.error()));
  }
  auto passTokens = static_cast<uint32_t>(prompt.passTokens().size());
  uint32_t passEnd = prompt.passPosition() + passTokens;
  if (prompt.next()) {
    statistics[static_cast<size_t>(schema::Phase::prompt)].tokens += passTokens;
    sequences.setPositions(prompt.sequence(), passEnd);
    endRecording(RoutingPhase::Prompt);
  }
  if (!prompt.isOver())
    return false;
  prompt.stop();
  return true;
}

void SessionState::stopPrompt() {
  if (!prompt.isRunning())
    return;
  sequences.setPositions(prompt.sequence(), sequences.positions(prompt.sequence()));
  prompt.stop();
}

/// The pass's rows, and the blocks that its tokens will be in.
Result<void> SessionState::beginPass() {
  std::span<const int32_t> tokens = prompt.passTokens();
  uint32_t position = prompt.passPosition();
  sequences.reserve(prompt.sequence(), position + static_cast<uint32_t>(tokens.size()));
  inputs.clear();
  for (int32_t token : tokens)
    inputs.add(token, position++, prompt.sequence());
  beginRecording(RoutingPhase::Prompt);
  if (experts.feed)
    experts.feed->beginPass(tokens.size());
  return writeInputs(*promptProgram);
}

Result<void> SessionState::runUnit() {
  if (prompt.beginsPass())
    STRATA_TRY(beginPass());
  PromptUnit unit = prompt.unit();
  STRATA_TRY(promptProgram->run(unit.stage, unit.first, unit.count));
  STRATA_TRY(device->synchronise());
  if (experts.feed)
    experts.feed->readAhead();
  if (promptProgram->rows(unit.stage) != schema::Rows::output)
    return {};
  STRATA_TRY(readLogits(*promptProgram, promptLogits));
  if (prompt.sink())
    prompt.sink()(prompt.passPosition() + unit.first, promptLogits);
  return {};
}

Result<void> SessionState::writeInputs(const BoundProgram &program) {
  auto write = [&](schema::Role role, const std::vector<int32_t> &rows) {
    return device->copyToDevice(program.valueOf(role), std::as_bytes(std::span(rows)));
  };
  STRATA_TRY(write(schema::Role::tokens, inputs.tokens));
  STRATA_TRY(write(schema::Role::positions, inputs.positions));
  STRATA_TRY(write(schema::Role::sequences, inputs.sequences));
  if (!sequences.takeChanged())
    return {};
  return device->copyToDevice(blockTable, std::as_bytes(sequences.table()));
}

Result<void> SessionState::readLogits(const BoundProgram &program, std::span<float> to) {
  return device->copyFromDevice(std::as_writable_bytes(to), program.valueOf(schema::Role::logits));
}

} // namespace strata
