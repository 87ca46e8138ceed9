// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Writes planned blocks as a program of the plan dialect.
#pragma once

#include "passes/Conversion/MoeToPlan/PlannedBlock.h"

#include "mlir/IR/Builders.h"

#include <array>

namespace strata {

/// One execution of a block: for `count` layers from `first`, or once if `count` is 0.
struct PlannedRun {
  std::string block;
  uint32_t first = 0;
  uint32_t count = 0;
};

struct PlannedProgram {
  plan::Phase phase = plan::Phase::decode;
  plan::DeviceKind device = plan::DeviceKind::host; ///< Of what is placed nowhere else.
  plan::DeviceKind tokens = plan::DeviceKind::host; ///< Who reads them.
  std::string ring, staging;                        ///< The arenas of a GPU's streams.
  int64_t embedding = 0;
  int64_t vocabulary = 0;
  std::vector<PlannedBlock> blocks;
  std::vector<PlannedRun> runs;
};

/// The name of an arena: "decode", and of the host's beside a GPU's "decode_host".
std::string arenaName(plan::ArenaKind kind, bool besideGpu);

/// The KV cache of the layers that a device computes, by DeviceKind; null if it computes none.
using DeviceCaches = std::array<mlir::Value, 2>;

/// Creates the program at the builder's insertion point.
plan::ProgramOp emitProgram(mlir::OpBuilder &builder, mlir::Location location, const PlannedProgram &program,
                            const DeviceCaches &caches);

} // namespace strata
