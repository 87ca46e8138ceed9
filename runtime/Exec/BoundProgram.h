// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A program with every operand bound to memory, for every layer: what is left to do per step is to set the rows.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Exec/ExpertFeed.h"
#include "runtime/Memory/Arenas.h"
#include "runtime/Routing/RoutingRecorder.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// What a phase is called in traces.
inline RoutingPhase routingPhase(schema::Phase phase) {
  return phase == schema::Phase::decode ? RoutingPhase::Generated : RoutingPhase::Prompt;
}

/// What a program is bound to.
struct Binding {
  const schema::Artifact *artifact = nullptr;
  const Arenas *arenas = nullptr;
  std::span<const KvView> layers; ///< The KV cache of every layer; must outlive the program.
  Device *device = nullptr;
  ExpertFeed *experts = nullptr; ///< Of a plan over several tiers.
};

/// The stages of all runs and layers of a checked program, one after the other.
class BoundProgram {
public:
  BoundProgram(const Binding &binding, const schema::Program &program, schema::ActivationEncoding activations);

  size_t stages() const { return stageList.size(); }
  schema::Rows rows(size_t stage) const { return stageList[stage].rows; }
  /// Of the model.
  uint32_t layer(size_t stage) const { return stageList[stage].layer; }
  /// Bytes of weights in memory that products have read so far, experts from the store left out.
  uint64_t weightBytesRead() const { return weightBytes; }

  /// Launches a stage for `count` rows, from the row `first` of the prompt on where values have rows for all of it.
  Result<void> run(size_t stage, uint64_t first, uint64_t count);

  /// From now on `recorder` is told what every router chooses.
  void record(RoutingRecorder &toRecorder) { recorder = &toRecorder; }

  /// These weights, of F32 when the program was bound, are BF16 from now on.
  void narrow(std::span<const std::byte *const> weights);

  /// The first row of the value that has this role, which there must be one of.
  std::byte *valueOf(schema::Role role) const;

  /// Bytes that binding all dispatches of a program takes.
  static uint64_t hostBytes(const schema::Program &program);

private:
  /// How an operand follows the rows that a stage runs over.
  enum class Follow : uint8_t {
    Nothing, ///< No value, or scratch of a fixed size.
    Count,   ///< As many rows as the stage.
    Window   ///< As many, and from the stage's first row on.
  };
  struct Place {
    std::byte *base;
    Follow follow;
  };
  struct Stage {
    schema::Rows rows;
    uint32_t layer; ///< Of the model.
    size_t firstCall, endCall;
    size_t firstOperand, endOperand;
    uint64_t weightBytes = 0; ///< Of those that are read whole.
  };

  void bindStage(const schema::Run &run, uint32_t layer, const schema::Stage &stage);
  void bindOperand(const schema::Run &run, uint32_t layer, const schema::Stage &stage, const schema::Operand &operand);
  void bindValue(const schema::Stage &stage, const schema::Value &value);
  void bindWeight(const schema::Tensor &tensor);
  void countWeights();
  Result<void> recordChoices(const KernelCall &call, uint32_t layer, uint64_t firstRow);
  size_t endOfExperts(size_t first) const;
  Result<void> runExperts(uint32_t layer, size_t first, size_t end);

  Binding binding;
  const schema::Program *program;
  schema::ActivationEncoding activations;
  std::vector<Stage> stageList;
  std::vector<KernelCall> calls;
  std::vector<BoundOperand> operands;
  std::vector<Place> places; ///< Of every operand.
  RoutingRecorder *recorder = nullptr;
  std::vector<int32_t> choices; ///< Of one call, on their way to the recorder.
  uint64_t weightBytes = 0;
};

} // namespace strata
