// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the tests of imported modules share.
#pragma once

#include "compiler/Import/Import.h"
#include "dialects/Moe/MoeOps.h"
#include "tests/compiler/Support/ModelFixture.h"

#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>
#include <map>
#include <string>

namespace strata {

/// A context with the moe dialect, in which a diagnostic is a failure of the test.
class ImportFixture : public testing::Test {
protected:
  ImportFixture() {
    context.disableMultithreading();
    context.loadDialect<moe::MoeDialect>();
    context.getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) { ADD_FAILURE() << diagnostic.str(); });
  }

  /// A valid module.
  mlir::OwningOpRef<mlir::ModuleOp> import(const gguf::Model &model, const DescribeOptions &options = {}) {
    auto module = importModel(context, describeOrThrow(model, options), model);
    if (!module || failed(verify(*module)))
      throw std::runtime_error("the module is not valid");
    return module;
  }

  /// How many ops of each name there are.
  static std::map<std::string, unsigned> countOps(mlir::ModuleOp module) {
    std::map<std::string, unsigned> counts;
    module.walk([&](mlir::Operation *op) { ++counts[op->getName().getStringRef().str()]; });
    return counts;
  }

  static std::string print(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    op->print(stream);
    return text;
  }

  mlir::MLIRContext context;
};

} // namespace strata
