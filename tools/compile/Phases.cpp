// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Phases.h"

#include "compiler/Support/AtomicFile.h"

#include "llvm/Support/raw_ostream.h"

#include <filesystem>
#include <fmt/format.h>

namespace strata::compile {

DiagnosticCollector::DiagnosticCollector(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::success();
        if (!collected.empty())
          collected += "; ";
        collected += diagnostic.str();
        std::string notes;
        for (mlir::Diagnostic &note : diagnostic.getNotes())
          notes += (notes.empty() ? "" : "; ") + note.str();
        if (!notes.empty())
          collected += " (" + notes + ")";
        return mlir::success();
      }) {}

Result<void> runPhase(mlir::ModuleOp module, Phase phase, const PhaseRun &run) {
  mlir::MLIRContext *context = module.getContext();
  DiagnosticCollector diagnostics(context);
  mlir::PassManager manager(context);
  addPhasePasses(manager, phase, run.passes);
  manager.enableCrashReproducerGeneration(run.reproducer, /*genLocalReproducer=*/true);
  if (mlir::succeeded(manager.run(module)))
    return {};
  return fail(ExitCode::Bug, "",
              fmt::format("a bug of ours, please report it: phase {} failed: {}; to see it again: strata-opt "
                          "--run-reproducer {}",
                          std::string_view(phaseInfo(phase).name), diagnostics.text(), run.reproducer));
}

Result<void> dumpPhase(mlir::ModuleOp module, Phase phase, const std::string &folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ExitCode::Machine, "",
                fmt::format("the folder {} of --dump-phases cannot be made: {}", escapeName(folder), error.message()));
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  std::string name = fmt::format("{}-{}.mlir", static_cast<int>(phase), std::string_view(phaseInfo(phase).name));
  return writeFileAtomically((std::filesystem::path(folder) / name).string(), std::as_bytes(std::span(text)));
}

} // namespace strata::compile
