// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What passes count, and how they tell it.
#pragma once

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

#include <initializer_list>

namespace strata {

/// A number that a pass counted, by a name in small letters.
struct Statistic {
  llvm::StringRef name;
  uint64_t count;
};

/// Tells what the pass of that argument did to `op`, as an analysis remark named "statistics" in the pass' category:
///
///   strata-opt --moe-fuse-residual --remark-format=emitRemark --remarks-filter-analyse=moe-fuse-residual
///
/// `Pass::Statistic` would count nothing: MLIR leaves it out of libraries that are built without assertions, as the
/// packaged ones are, and its layout there is not the one that our translation units see.
inline void reportStatistics(mlir::Operation *op, llvm::StringRef pass, std::initializer_list<Statistic> statistics) {
  auto remark = mlir::remark::analysis(op->getLoc(), mlir::remark::RemarkOpts::name("statistics").category(pass));
  for (const Statistic &statistic : statistics)
    remark << mlir::remark::metric(statistic.name, statistic.count);
}

} // namespace strata
