// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every number of an artifact, to be changed one at a time.
#pragma once

#include "runtime/Schema/artifact_generated.h"

#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace strata::test {

/// A number of the artifact as bits.
struct ArtifactField {
  std::string name;
  std::function<uint64_t()> get;
  std::function<void(uint64_t)> set;
};

class ArtifactFields {
public:
  explicit ArtifactFields(schema::ArtifactT &artifact) {
    addModel(artifact);
    for (auto &tensor : artifact.tensors)
      addTensor(*tensor);
    for (auto &arena : artifact.arenas) {
      add("arena.kind", arena->kind);
      add("arena.tier", arena->tier);
      addAll("arena.bytes", arena->bytes);
    }
    for (auto &program : artifact.programs)
      addProgram(*program);
  }

  std::vector<ArtifactField> fields;

private:
  template <typename T> void add(const std::string &name, T &field) {
    auto get = [&field] {
      uint64_t bits = 0;
      std::memcpy(&bits, &field, sizeof field);
      return bits;
    };
    auto set = [&field](uint64_t bits) { std::memcpy(&field, &bits, sizeof field); };
    fields.push_back({name, get, set});
  }
  template <typename T> void addAll(const std::string &name, std::vector<T> &numbers) {
    for (T &number : numbers)
      add(name, number);
  }

  void addModel(schema::ArtifactT &artifact) {
    add("model.layers", artifact.model->layers);
    add("model.vocabulary", artifact.model->vocabulary);
    for (auto &file : artifact.model->files)
      add("file.file_bytes", file->file_bytes);
    schema::SettingsT &settings = *artifact.settings;
    add("settings.context", settings.context);
    add("settings.sequences", settings.sequences);
    add("settings.prompt_tokens", settings.prompt_tokens);
    add("settings.chunk_tokens", settings.chunk_tokens);
    add("settings.decode_activations", settings.decode_activations);
    add("settings.prompt_activations", settings.prompt_activations);
    add("settings.kv", settings.kv);
    schema::KvLayoutT &kv = *artifact.kv;
    add("kv.block_positions", kv.block_positions);
    add("kv.blocks", kv.blocks);
    add("kv.blocks_per_sequence", kv.blocks_per_sequence);
    add("kv.latent", kv.latent);
    add("kv.rope", kv.rope);
    add("kv.layers", kv.layers);
    add("machine.read_depth", artifact.machine->read_depth);
    add("worker_scratch_bytes", artifact.worker_scratch_bytes);
    add("prediction.ram_bytes", artifact.prediction->ram_bytes);
  }

  void addTensor(schema::TensorT &tensor) {
    add("tensor.file", tensor.file);
    add("tensor.offset", tensor.offset);
    add("tensor.bytes", tensor.bytes);
    add("tensor.encoding", tensor.encoding);
    addAll("tensor.dimensions", tensor.dimensions);
    add("tensor.tier", tensor.tier);
    add("tensor.arena_offset", tensor.arena_offset);
  }

  void addProgram(schema::ProgramT &program) {
    for (auto &value : program.values) {
      add("value.role", value->role);
      add("value.rows", value->rows);
      add("value.element", value->element);
      add("value.columns", value->columns);
      add("value.arena", value->arena);
      addAll("value.offsets", value->offsets);
    }
    for (auto &block : program.blocks) {
      for (auto &weight : block->weights) {
        add("weight.encoding", weight->encoding);
        addAll("weight.dimensions", weight->dimensions);
      }
      for (auto &stage : block->stages) {
        add("stage.rows", stage->rows);
        for (auto &dispatch : stage->dispatches)
          addDispatch(*dispatch);
      }
    }
    for (auto &run : program.runs) {
      add("run.block", run->block);
      add("run.first_layer", run->first_layer);
      add("run.layers", run->layers);
      addAll("run.tensors", run->tensors);
    }
  }

  void addDispatch(schema::DispatchT &dispatch) {
    add("dispatch.operation", dispatch.operation);
    add("dispatch.form", dispatch.form);
    add("dispatch.device", dispatch.device);
    for (auto *operands : {&dispatch.reads, &dispatch.writes})
      for (schema::Operand &operand : *operands) {
        auto change = [&operand](bool kind, uint64_t bits) {
          operand = kind ? schema::Operand(static_cast<schema::OperandKind>(bits), operand.index())
                         : schema::Operand(operand.kind(), static_cast<uint32_t>(bits));
        };
        fields.push_back({"operand.kind", [&operand] { return static_cast<uint64_t>(operand.kind()); },
                          [change](uint64_t bits) { change(true, bits); }});
        fields.push_back({"operand.index", [&operand] { return uint64_t(operand.index()); },
                          [change](uint64_t bits) { change(false, bits); }});
      }
    addParameters(dispatch.parameters);
  }

  void addParameters(schema::ParametersUnion &parameters) {
    if (auto *norm = parameters.AsNormParameters())
      add("norm.epsilon", norm->epsilon);
    if (auto *rope = parameters.AsRopeParameters()) {
      add("rope.heads", rope->heads);
      add("rope.nope", rope->nope);
      addAll("rope.frequencies", rope->frequencies);
      add("rope.magnitude", rope->magnitude);
    }
    if (auto *append = parameters.AsKvAppendParameters())
      addAll("kv_append.frequencies", append->frequencies);
    if (auto *attention = parameters.AsAttentionParameters()) {
      add("attention.heads", attention->heads);
      add("attention.scale", attention->scale);
      add("attention.split_positions", attention->split_positions);
    }
    if (auto *head = parameters.AsHeadParameters())
      add("head.heads", head->heads);
    if (auto *route = parameters.AsRouteParameters()) {
      add("route.gate", route->gate);
      add("route.groups", route->groups);
      add("route.groups_used", route->groups_used);
      add("route.experts_used", route->experts_used);
      add("route.scale", route->scale);
    }
    if (auto *experts = parameters.AsExpertParameters()) {
      add("experts.experts", experts->experts);
      add("experts.experts_used", experts->experts_used);
      add("experts.width", experts->width);
      add("experts.shared_width", experts->shared_width);
    }
  }
};

} // namespace strata::test
