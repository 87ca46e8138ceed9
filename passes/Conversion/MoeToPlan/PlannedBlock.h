// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A block between the moe and the plan dialect: which dispatches it has, with buffers whose rows are not known yet.
#pragma once

#include "dialects/Moe/MoeOps.h"
#include "dialects/Plan/PlanOps.h"

#include <string>
#include <vector>

namespace strata {

/// Buffers that belong to a program, of a block's device; they stand at the beginning of every block's list, in this
/// order. The last is the host's residual, in a block of a GPU.
enum ProgramBuffer : unsigned { kTokens, kPositions, kSequences, kResidual, kLogits, kHandedResidual, kProgramBuffers };

struct PlannedBuffer {
  std::string name;
  int64_t columns = 0;
  plan::Element element = plan::Element::f32;
  /// Of a prompt stage: scratch for the rows of a chunk.
  bool chunkScratch = false;
  plan::DeviceKind device = plan::DeviceKind::host; ///< That sees it.
};

/// What a dispatch reads or writes: a buffer by number, a weight, the cache, or nothing.
struct PlannedOperand {
  enum class Kind { None, Buffer, Weight, Kv };
  Kind kind = Kind::None;
  unsigned buffer = 0;
  moe::WeightOp weight;

  static PlannedOperand none() { return {}; }
  static PlannedOperand kv() { return {Kind::Kv, 0, {}}; }
  static PlannedOperand of(unsigned buffer) { return {Kind::Buffer, buffer, {}}; }
  static PlannedOperand of(moe::WeightOp weight) { return {Kind::Weight, 0, weight}; }
};

/// A step: a dispatch, or a transfer, wait or stream. A transfer reads and writes a buffer, a stream reads weights.
struct PlannedDispatch {
  plan::OperationKind kind;
  std::vector<PlannedOperand> reads;
  std::vector<PlannedOperand> writes;
  mlir::Attribute parameters;
  mlir::Location location;
  plan::DeviceKind device;
  unsigned event = 0; ///< The number of a transfer in its block; of a wait, that of the transfer it waits for.
};

struct PlannedStage {
  plan::Rows rows;
  std::vector<PlannedDispatch> dispatches;
};

struct PlannedBlock {
  std::string name;
  mlir::Location location;
  plan::DeviceKind device; ///< Whose program buffers and cache it has.
  std::vector<PlannedBuffer> buffers;
  std::vector<PlannedStage> stages;
};

} // namespace strata
