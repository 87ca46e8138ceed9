// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs the phases that turn one module into another.
#pragma once

#include "passes/Pipelines.h"
#include "runtime/Base/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace strata::compile {

/// The errors that MLIR emits while this lives, as sentences instead of lines on stderr. Warnings are dropped: what a
/// user should know comes from the description of the model.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// "SENTENCE (NOTE; NOTE)", one after the other; empty if there was none.
  const std::string &text() const { return collected; }

private:
  std::string collected;
  mlir::ScopedDiagnosticHandler handler;
};

struct PhaseRun {
  PipelineOptions passes;
  std::string reproducer; ///< The file that a failing phase leaves.
  std::string dumpFolder; ///< Gets the module after every phase; empty: no dumps.
};

/// Runs the phase's passes over the module. One that fails is a bug of ours, exit code 70: models and options are
/// checked before they get here. The error carries what MLIR said, and the command that runs the failing pass again.
Result<void> runPhase(mlir::ModuleOp module, Phase phase, const PhaseRun &run);

/// Writes `FOLDER/2-optimise.mlir`, after making the folder. Exit code 3.
Result<void> dumpPhase(mlir::ModuleOp module, Phase phase, const std::string &folder);

} // namespace strata::compile
