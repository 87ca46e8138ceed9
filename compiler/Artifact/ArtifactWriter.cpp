// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/ArtifactWriter.h"

#include "compiler/Artifact/PlanSizes.h"
#include "compiler/Artifact/Sections.h"
#include "runtime/Schema/Envelope.h"
#include "runtime/Schema/SchemaHash.h"

#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

namespace strata {

static schema::MachineT machineSection(const MachineDescription &machine, const Prediction *prediction) {
  schema::MachineT section;
  section.name = machine.name;
  section.cores = machine.cores;
  section.ram_bytes = machine.ramBytes;
  section.json = machine.json;
  section.read_depth = prediction ? prediction->readDepth : 0;
  return section;
}

static schema::SettingsT settingsSection(plan::SettingsOp settings) {
  schema::SettingsT section;
  section.context = settings.getContextPositions();
  section.sequences = settings.getSequences();
  section.prompt_tokens = settings.getPromptTokens();
  section.chunk_tokens = settings.getChunkTokens();
  section.decode_activations = mirror<schema::ActivationEncoding>(settings.getDecodeActivations());
  section.prompt_activations = mirror<schema::ActivationEncoding>(settings.getPromptActivations());
  section.kv = mirror<schema::KvEncoding>(settings.getKv());
  return section;
}

/// The layout of a plan's caches, which differ in their layers only.
static schema::KvLayoutT kvSection(mlir::ModuleOp plan) {
  plan::KvCacheOp cache = *plan.getOps<plan::KvCacheOp>().begin();
  auto type = mlir::cast<plan::KvType>(cache.getResult().getType());
  schema::KvLayoutT section;
  section.block_positions = cache.getBlockPositions();
  section.blocks = cache.getBlocks();
  section.blocks_per_sequence = cache.getBlocksPerSequence();
  section.latent = static_cast<uint32_t>(type.getLatent());
  section.rope = static_cast<uint32_t>(type.getRope());
  for (auto one : plan.getOps<plan::KvCacheOp>()) {
    section.layers += one.getLayers();
    auto arena = plan.lookupSymbol<plan::ArenaOp>(one.getArena());
    if (arena && arena.getDevice() == plan::DeviceKind::gpu)
      section.gpu_layers += one.getLayers();
  }
  return section;
}

static Result<schema::ArenaT> arenaSection(plan::ArenaOp arena, const TensorSection &tensors) {
  if (!arena.getBytes() || !arena.getLive())
    return planError(fmt::format("arena @{} has no size", arena.getSymName().str()));
  schema::ArenaT section;
  section.kind = mirror<schema::ArenaKind>(arena.getKind());
  section.device = mirror<schema::DeviceKind>(arena.getDevice());
  section.tier = mirror<schema::Tier>(arena.getTier());
  for (int64_t bytes : arena.getBytes()->getValues())
    section.bytes.push_back(static_cast<uint64_t>(bytes));
  for (int64_t bytes : arena.getLive()->getValues())
    section.live_bytes.push_back(static_cast<uint64_t>(bytes));
  if (section.kind == schema::ArenaKind::weights &&
      section.bytes[0] != tensors.arenaBytes[arena.getTier() == plan::Tier::ram])
    return planError(fmt::format("the weights take {} bytes, their arena has {}",
                                 tensors.arenaBytes[arena.getTier() == plan::Tier::ram], section.bytes[0]));
  return section;
}

/// The only op of its kind in the module; null if there is none.
template <typename Op> static Op onlyOp(mlir::ModuleOp module) {
  auto ops = module.getOps<Op>();
  return ops.empty() ? Op() : *ops.begin();
}

static Result<schema::ArtifactT> makeArtifact(mlir::ModuleOp plan, const ArtifactSource &source) {
  auto settings = onlyOp<plan::SettingsOp>(plan);
  auto cache = onlyOp<plan::KvCacheOp>(plan);
  Checked scratch = workerScratchBytes(plan);
  if (!settings || !cache || !scratch.valid())
    return planError("it has no settings or no KV cache");

  schema::ArtifactT artifact;
  artifact.compiler_version = source.compilerVersion;
  artifact.command_line = source.commandLine;
  artifact.model = std::make_unique<schema::ModelT>(modelSection(source));
  artifact.machine = std::make_unique<schema::MachineT>(machineSection(source.machine, source.prediction));
  artifact.settings = std::make_unique<schema::SettingsT>(settingsSection(settings));
  artifact.kv = std::make_unique<schema::KvLayoutT>(kvSection(plan));
  artifact.worker_scratch_bytes = scratch.value();

  STRATA_ASSIGN(artifact.kernels, kernelSections(plan, source.kernels));
  SymbolIndices indices;
  for (const auto &kernel : artifact.kernels)
    indices.kernels[kernel->name] = static_cast<uint32_t>(indices.kernels.size());
  STRATA_ASSIGN(TensorSection tensors, TensorSection::make(plan, source.model, indices));
  for (auto arena : plan.getOps<plan::ArenaOp>()) {
    STRATA_ASSIGN(schema::ArenaT section, arenaSection(arena, tensors));
    indices.arenas[arena.getSymName()] = static_cast<uint32_t>(artifact.arenas.size());
    artifact.arenas.push_back(std::make_unique<schema::ArenaT>(std::move(section)));
  }
  for (auto program : plan.getOps<plan::ProgramOp>()) {
    STRATA_ASSIGN(schema::ProgramT section, programSection(program, tensors, indices));
    artifact.programs.push_back(std::make_unique<schema::ProgramT>(std::move(section)));
  }
  artifact.tensors = std::move(tensors.tensors);
  artifact.experts = expertSections(plan);
  artifact.budgets = budgetSections(plan);
  artifact.prediction =
      std::make_unique<schema::PredictionT>(predictionSection(source.inventory, source.description, artifact));
  if (source.prediction)
    addEstimates(*artifact.prediction, *source.prediction);
  llvm::raw_string_ostream text(artifact.plan_text);
  plan.print(text);
  return artifact;
}

Result<std::vector<std::byte>> serialiseArtifact(mlir::ModuleOp plan, const ArtifactSource &source) {
  STRATA_ASSIGN(schema::ArtifactT artifact, makeArtifact(plan, source));
  flatbuffers::FlatBufferBuilder builder(1 << 20);
  builder.Finish(schema::Artifact::Pack(builder, &artifact), schema::ArtifactIdentifier());

  std::span<const std::byte> payload = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  if (payload.size() > schema::kMaximumPayloadBytes)
    return fail(
        ExitCode::Machine, "A01",
        fmt::format("the artifact would have {} bytes and may have {}", payload.size(), schema::kMaximumPayloadBytes));
  schema::Envelope envelope;
  envelope.schemaHash = schema::kSchemaHash;
  envelope.payloadBytes = payload.size();
  envelope.payloadHash = schema::hashPayload(payload);
  auto header = schema::encodeEnvelope(envelope);
  std::vector<std::byte> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

} // namespace strata
