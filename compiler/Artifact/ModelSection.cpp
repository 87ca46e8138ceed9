// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"

namespace strata {

schema::ModelT modelSection(const ArtifactSource &source) {
  const ModelDescription &description = source.description;
  schema::ModelT model;
  model.path = source.modelPath;
  model.fingerprint =
      std::make_unique<schema::Digest>(flatbuffers::span<const uint8_t, 32>(source.model.fingerprint()));
  for (const gguf::FileInfo &file : source.model.files()) {
    auto entry = std::make_unique<schema::ModelFileT>();
    entry->name = file.path.substr(file.path.find_last_of('/') + 1);
    entry->header_bytes = file.headerBytes;
    entry->file_bytes = file.impliedBytes;
    model.files.push_back(std::move(entry));
  }
  model.name = description.name;
  model.architecture = description.architecture;
  model.layers = description.layers;
  model.dense_layers = description.denseLayers;
  model.embedding = description.embedding;
  model.vocabulary = description.vocabulary;
  model.heads = description.heads;
  model.latent = description.latent;
  model.rope = description.rope;
  model.nope = description.nope;
  model.value = description.value;
  model.experts = description.experts;
  model.experts_used = description.expertsUsed;
  model.shared_experts = description.sharedExperts;
  model.expert_groups = description.expertGroups.groups;
  model.expert_groups_used = description.expertGroups.used;
  model.context_length = description.contextLength;
  model.defaults = description.defaults;
  return model;
}

/// What the run allocates in RAM, or where all is in one tier in that, at the artifact's own settings.
static uint64_t ramBytes(const schema::ArtifactT &artifact) {
  uint64_t bytes = 0;
  for (const auto &arena : artifact.arenas) {
    if (!artifact.experts.empty() && arena->tier != schema::Tier::ram)
      continue;
    size_t size = 0;
    if (arena->kind == schema::ArenaKind::kv)
      size = static_cast<size_t>(artifact.settings->kv);
    else if (arena->kind == schema::ArenaKind::decode)
      size = static_cast<size_t>(artifact.settings->decode_activations);
    else if (arena->kind == schema::ArenaKind::prompt || arena->kind == schema::ArenaKind::chunk)
      size = static_cast<size_t>(artifact.settings->prompt_activations);
    bytes += arena->bytes[size];
  }
  return bytes;
}

schema::PredictionT predictionSection(const Inventory &inventory, const ModelDescription &description,
                                      const schema::ArtifactT &artifact) {
  schema::PredictionT prediction;
  for (size_t i = 0; i < kTensorClasses; ++i) {
    auto entry = std::make_unique<schema::TensorClassT>();
    entry->name = std::string(tensorClassName(static_cast<TensorClass>(i)));
    entry->tensors = inventory.classes[i].tensors;
    entry->parameters = inventory.classes[i].parameters;
    entry->bytes = inventory.classes[i].bytes;
    prediction.classes.push_back(std::move(entry));
  }
  prediction.weight_bytes = inventory.total.bytes;
  prediction.expert_bytes = inventory.expertBytes;
  prediction.bytes_per_token = inventory.bytesPerToken;
  prediction.kv_bytes_per_token =
      kvBytesPerPosition(description, artifact.settings->kv == schema::KvEncoding::f16 ? 2 : 4);
  prediction.ram_bytes = ramBytes(artifact);
  return prediction;
}

} // namespace strata
