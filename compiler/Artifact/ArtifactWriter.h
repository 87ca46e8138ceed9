// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the plan dialect to the artifact: a walk, since both say the same things by the same names.
#pragma once

#include "compiler/Machine/Machine.h"
#include "compiler/Placement/Inventory.h"
#include "compiler/Placement/Prediction.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// What the compiler of kernels made of one.
struct CompiledKernel {
  std::string source;
  std::string ptx;
  std::vector<std::byte> cubin;
  uint32_t registers = 0, sharedBytes = 0, stackBytes = 0;
};

/// What an artifact says beside its plan.
struct ArtifactSource {
  const gguf::Model &model;
  const ModelDescription &description;
  const MachineDescription &machine;
  const Inventory &inventory;
  std::string modelPath;       ///< As given: a hint for the runtime.
  std::string compilerVersion; ///< "0.1.0"
  std::string commandLine;
  std::span<const CompiledKernel> kernels = {}; ///< Of the plan's kern.funcs, in their order.
  const Prediction *prediction = nullptr;       ///< The planner's, if there is one.
};

/// The bytes of an artifact file: envelope and flatbuffer (runtime/Schema). `plan` must have passed plan-verify; every
/// weight it names must be in the model with the type it says. Exit code 70 where that is not so, 3 if the artifact is
/// larger than a flatbuffer can be.
Result<std::vector<std::byte>> serialiseArtifact(mlir::ModuleOp plan, const ArtifactSource &source);

} // namespace strata
