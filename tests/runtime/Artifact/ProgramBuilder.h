// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Writes programs of artifacts for tests: values side by side in their arenas, one dispatch after the other.
#pragma once

#include "runtime/Schema/RowBytes.h"
#include "runtime/Schema/artifact_generated.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strata::test {

inline const schema::Operand kAbsent{schema::OperandKind::none, 0};
inline const schema::Operand kCache{schema::OperandKind::kv, 0};

using ArenaSizes = std::array<std::array<uint64_t, 3>, 5>; ///< By kind, then by setting.

class ProgramBuilder {
public:
  ProgramBuilder(schema::ArtifactT &ofArtifact, ArenaSizes &arenaSizes, schema::Phase phase)
      : artifact(ofArtifact), sizes(arenaSizes), program(std::make_unique<schema::ProgramT>()) {
    program->phase = phase;
  }

  bool decodes() const { return program->phase == schema::Phase::decode; }

  /// A value with rows of the phase's own kind: step, or chunk.
  schema::Operand value(const std::string &name, uint64_t columns, schema::Element element = schema::Element::f32) {
    return value(name, columns, element, decodes() ? schema::Rows::step : schema::Rows::chunk);
  }
  schema::Operand value(const std::string &name, uint64_t columns, schema::Element element, schema::Rows rows,
                        schema::Role role = schema::Role::intermediate) {
    auto made = std::make_unique<schema::ValueT>();
    made->name = name;
    made->role = role;
    made->rows = rows;
    made->element = element;
    made->columns = columns;
    made->arena = static_cast<uint32_t>(arenaOf(rows));
    for (uint32_t setting = 0; setting < 3; ++setting) {
      uint64_t &end = sizes[made->arena][setting];
      made->offsets.push_back(end);
      uint64_t bytes =
          valueRowBytes(element, static_cast<schema::ActivationEncoding>(setting), columns).value() * capacity(rows);
      end += (bytes + 63) / 64 * 64;
    }
    program->values.push_back(std::move(made));
    return {schema::OperandKind::value, static_cast<uint32_t>(program->values.size() - 1)};
  }

  void beginBlock(const std::string &name) {
    program->blocks.push_back(std::make_unique<schema::BlockT>());
    block().name = name;
  }
  void beginStage(schema::Rows rows) {
    block().stages.push_back(std::make_unique<schema::StageT>());
    block().stages.back()->rows = rows;
  }
  /// A weight of the block: of every layer where the name has a star.
  schema::Operand weight(const std::string &name) {
    const schema::TensorT &tensor = *artifact.tensors[tensorIndex(name, firstLayer)];
    auto slot = std::make_unique<schema::WeightSlotT>();
    slot->name = name;
    slot->encoding = tensor.encoding;
    slot->dimensions = tensor.dimensions;
    block().weights.push_back(std::move(slot));
    return {schema::OperandKind::weight, static_cast<uint32_t>(block().weights.size() - 1)};
  }

  template <typename Parameters>
  void dispatch(schema::Operation operation, Parameters parameters, std::vector<schema::Operand> reads,
                std::vector<schema::Operand> writes) {
    auto made = std::make_unique<schema::DispatchT>();
    made->operation = operation;
    made->form = decodes() ? schema::Form::few : schema::Form::many;
    made->reads = std::move(reads);
    made->writes = std::move(writes);
    made->parameters.Set(std::move(parameters));
    block().stages.back()->dispatches.push_back(std::move(made));
  }

  /// Runs the block that was made last.
  void run(bool perLayer, uint32_t layer) {
    auto made = std::make_unique<schema::RunT>();
    made->block = static_cast<uint32_t>(program->blocks.size() - 1);
    made->first_layer = layer;
    made->layers = 1;
    made->per_layer = perLayer;
    for (const auto &slot : block().weights)
      made->tensors.push_back(tensorIndex(slot->name, layer));
    program->runs.push_back(std::move(made));
  }
  /// The layer whose tensors the weights that follow are like.
  void setLayer(uint32_t layer) { firstLayer = layer; }

  std::unique_ptr<schema::ProgramT> finish() { return std::move(program); }

private:
  static schema::ArenaKind arenaOf(schema::Rows rows) {
    if (rows == schema::Rows::step)
      return schema::ArenaKind::decode;
    return rows == schema::Rows::prompt ? schema::ArenaKind::prompt : schema::ArenaKind::chunk;
  }
  uint64_t capacity(schema::Rows rows) const {
    const schema::SettingsT &settings = *artifact.settings;
    const std::array<uint64_t, 4> rowsOf = {settings.sequences, settings.chunk_tokens, settings.prompt_tokens, 1};
    return rowsOf[static_cast<size_t>(rows)];
  }
  schema::BlockT &block() { return *program->blocks.back(); }
  uint32_t tensorIndex(std::string name, uint32_t layer) const {
    if (size_t star = name.find('*'); star != std::string::npos)
      name.replace(star, 1, std::to_string(layer));
    for (uint32_t i = 0; i < artifact.tensors.size(); ++i)
      if (artifact.tensors[i]->name == name)
        return i;
    throw std::out_of_range("no tensor " + name);
  }

  schema::ArtifactT &artifact;
  ArenaSizes &sizes;
  std::unique_ptr<schema::ProgramT> program;
  uint32_t firstLayer = 0;
};

} // namespace strata::test
