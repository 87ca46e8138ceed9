// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Plans with one thing changed, which plan-verify must refuse.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <map>
#include <random>
#include <string>

namespace strata::compile {

class PlanMutations {
public:
  explicit PlanMutations(mlir::MLIRContext &context);

  /// Changes copies of a plan that is sound, each in one of the ways that it has a place for, and fails the test for
  /// each that is not refused.
  void expectRefused(mlir::ModuleOp plan, std::mt19937_64 &dice);
  /// Fails the test if a way was never taken.
  void expectAllTried() const;

private:
  bool isRefused(mlir::ModuleOp plan);

  mlir::PassManager verifier;
  std::map<std::string, int> tried;
};

} // namespace strata::compile
