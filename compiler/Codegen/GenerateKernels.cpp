// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/GenerateKernels.h"

#include "compiler/Codegen/KernelSources.h"
#include "passes/Conversion/KernToEmitC/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/Cpp/CppEmitter.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;

namespace strata {

static tl::unexpected<Error> generationError(StringRef kernel, std::string_view what) {
  return fail(ExitCode::Bug, "",
              fmt::format("a bug of ours, please report it: kernel {} {}", std::string_view(kernel), what));
}

/// The generated part: a module of its own through convert-kern-to-emitc, printed as C++.
static Result<std::string> generatedPart(kern::FuncOp function) {
  OpBuilder builder(function.getContext());
  OwningOpRef<ModuleOp> unit = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToEnd(unit->getBody());
  builder.clone(*function);
  PassManager manager(function.getContext());
  manager.addPass(createConvertKernToEmitC());
  if (failed(manager.run(*unit)))
    return generationError(function.getSymName(), "cannot be turned into EmitC");
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (failed(emitc::translateToCpp(*unit, stream)))
    return generationError(function.getSymName(), "cannot be printed as C++");
  return text;
}

Result<KernelUnit> generateUnit(kern::FuncOp function) {
  std::vector<std::string_view> files;
  for (StringRef text : function.getTexts().getAsValueRange<StringAttr>())
    files.push_back(text);
  bool hasEpilogue = llvm::any_of(function.getBody().getOps<kern::MainLoopOp>(),
                                  [](kern::MainLoopOp loop) { return !loop.getEpilogue().empty(); });
  if (hasEpilogue)
    files.push_back("Epilogue.cuh");
  STRATA_ASSIGN(std::string generated, generatedPart(function));
  return KernelUnit{function.getSymName().str(), unitPrefix(files) + "\n" + generated};
}

Result<std::vector<KernelUnit>> generateUnits(ModuleOp module) {
  std::vector<KernelUnit> units;
  for (auto function : module.getOps<kern::FuncOp>()) {
    STRATA_ASSIGN(KernelUnit unit, generateUnit(function));
    units.push_back(std::move(unit));
  }
  return units;
}

} // namespace strata
