// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_CONVERSION_PLANTOKERN_PASSES_TD
#define STRATA_PASSES_CONVERSION_PLANTOKERN_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertPlanToKern : Pass<"convert-plan-to-kern", "::mlir::ModuleOp"> {
  let summary = "Choose kernels for every dispatch on the GPU";
  let description = [{
    Adds a `kern.func` for every launch that a dispatch on the gpu is made of, and names them in the dispatch. Equal ones are shared:
    kernels are as many as there are combinations of operation, shapes, encodings and epilogue. Weights in blocks get a kernel
    that makes the device's layout of the file's.

    Before:
    ```mlir
    plan.dispatch add few on gpu reads(%0, %1) writes(%0) : ...
    ```
    After:
    ```mlir
    plan.dispatch add few on gpu reads(%0, %1) writes(%0) kernels [@add_7168] : ...
    ```

    Statistics: `kernels`; `launches` of all dispatches; `shared`, launches of a kernel that was there before.
  }];
  let dependentDialects = ["::strata::kern::KernDialect", "::mlir::arith::ArithDialect"];
}

#endif
