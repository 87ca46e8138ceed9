// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The test model with its routed experts on the disk, which may be a simulated one.
#pragma once

#include "runtime/Memory/Reads/SimulatedReads.h"
#include "runtime/Schema/SlotBytes.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Exec/ExecTest.h"

namespace strata::test {

inline constexpr uint32_t kExperts = 4;

/// How many experts of the one layer that has some are in RAM, how many of them pinned, and what is for all layers.
struct Placement {
  uint32_t ram = 0, pinned = 0, shared = 1;
  uint32_t sequences = 1;
};

inline bool isExperts(const schema::TensorT &tensor) {
  return tensor.name.find("_exps.") != std::string::npos;
}

/// The test model's artifact with its routed experts in RAM and on the disk.
inline schema::ArtifactT streamingArtifact(const Placement &placement) {
  schema::ArtifactT artifact = testModel().artifact();
  artifact.settings->sequences = placement.sequences;
  artifact.kv->blocks = placement.sequences * artifact.kv->blocks_per_sequence;
  uint64_t slot = 0;
  for (auto &tensor : artifact.tensors)
    if (isExperts(*tensor)) {
      tensor->tier = schema::Tier::disk;
      tensor->arena_offset = 0;
      slot += slabBufferBytes(tensor->bytes / kExperts).value();
    }
  auto addArena = [&](schema::ArenaKind kind, uint64_t bytes) {
    auto arena = std::make_unique<schema::ArenaT>();
    arena->kind = kind;
    arena->tier = schema::Tier::ram;
    arena->bytes = arena->live_bytes = {bytes};
    artifact.prediction->ram_bytes += bytes;
    artifact.arenas.push_back(std::move(arena));
  };
  if (placement.ram != 0)
    addArena(schema::ArenaKind::experts, placement.ram * slot);
  if (placement.shared != 0)
    addArena(schema::ArenaKind::staging, placement.shared * slot);
  auto experts = std::make_unique<schema::LayerExpertsT>();
  experts->first_layer = experts->layers = 1;
  experts->experts = kExperts;
  if (placement.ram != 0)
    experts->ram = {{0, placement.ram - 1}};
  if (placement.ram != kExperts)
    experts->disk = {{placement.ram, kExperts - 1}};
  if (placement.pinned != 0)
    experts->pinned = {{0, placement.pinned - 1}};
  experts->slots = placement.ram - placement.pinned;
  artifact.experts.push_back(std::move(experts));
  return artifact;
}

inline std::vector<std::byte> modelBytes() {
  std::string text = testModelFile();
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// Of the routed experts.
inline std::shared_ptr<const Checksums> expertChecksums() {
  schema::SumsT sums;
  std::vector<std::byte> bytes = modelBytes();
  for (const auto &tensor : testModel().artifact().tensors) {
    if (!isExperts(*tensor))
      continue;
    auto made = std::make_unique<schema::TensorSumsT>();
    made->name = tensor->name;
    made->piece_bytes = tensor->bytes / kExperts;
    for (uint32_t expert = 0; expert < kExperts; ++expert)
      made->hashes.push_back(
          checksumOf(std::span(bytes).subspan(tensor->offset + expert * made->piece_bytes, made->piece_bytes)));
    sums.tensors.push_back(std::move(made));
  }
  return std::make_shared<const Checksums>(Checksums::of(sums));
}

inline SimulatedReads *simulated = nullptr; ///< Of the session that was opened last.

/// A session on simulated reads, with the model's checksums.
inline std::unique_ptr<Session> openStreaming(const Placement &placement, SessionOptions options = {}) {
  options.makeReads = [](const WeightFiles &) -> Result<std::unique_ptr<Reads>> {
    auto reads =
        std::make_unique<SimulatedReads>(std::vector<std::vector<std::byte>>{modelBytes()}, 1, SimulatedFaults{});
    simulated = reads.get();
    return reads;
  };
  options.checksums = expertChecksums();
  return openSession(streamingArtifact(placement), options);
}

} // namespace strata::test
