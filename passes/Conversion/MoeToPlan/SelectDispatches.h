// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which dispatches compute the operations of a block.
#pragma once

#include "passes/Conversion/MoeToPlan/PlannedBlock.h"

namespace strata {

/// What the choice of dispatches depends on besides the operations.
struct SelectionSettings {
  plan::Phase phase = plan::Phase::decode;
  uint32_t context = 0;
  uint32_t splitPositions = 0;
  plan::DeviceKind device = plan::DeviceKind::host; ///< Of all that is placed nowhere else.
  /// What of a block for a GPU is not there: the token embedding, which the host then reads,
  bool hostEmbedding = false;
  /// experts that the host computes when decoding,
  bool hostExperts = false;
  /// and experts that a prompt brings to the GPU.
  bool streamedExperts = false;
  /// What of a block for the host is not there: experts that a GPU beside it computes in a prompt.
  bool gpuExperts = false;
};

/// A piece of the model that becomes a block.
struct BlockSource {
  std::string name;
  mlir::Location location;
  plan::Rows rows; ///< Of its first stage.
  std::vector<mlir::Operation *> operations;
  mlir::Value tokens; ///< Null if the piece does not see them.
  mlir::Value input;  ///< What the residual stream has before it; null at the model's beginning.
  mlir::Value result; ///< What `resultBuffer` has after it.
  unsigned resultBuffer = kResidual;
};

/// The dispatches of a block. Emits an error at the operation that cannot be one.
/// `sharedQuantiseCount` grows with every read of an activation that was already there.
mlir::FailureOr<PlannedBlock> selectDispatches(const BlockSource &source, const SelectionSettings &settings,
                                               int64_t &sharedQuantiseCount);

} // namespace strata
