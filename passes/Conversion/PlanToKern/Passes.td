// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_CONVERSION_PLANTOKERN_PASSES_TD
#define STRATA_PASSES_CONVERSION_PLANTOKERN_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanChooseSchedules : Pass<"plan-choose-schedules", "::mlir::ModuleOp"> {
  let summary = "Choose how the work of every product on the GPU is cut";
  let description = [{
    Gives a dispatch on the gpu a schedule for each product in it, from the table in `compiler/Kernels/Schedules.cpp`: by encoding,
    form, rows and length of the weight, and the columns of a launch. One that has schedules keeps them, so that others can be tried:
    `convert-plan-to-kern` builds what stands here.

    Before:
    ```mlir
    plan.dispatch matmul few on gpu reads(%0, %1, none) writes(%2) : ...
    ```
    After:
    ```mlir
    plan.dispatch matmul few on gpu reads(%0, %1, none) writes(%2) schedules [#plan.schedule<columns = 1, rows = 2, ctas = 5>] : ...
    ```

    Statistics: `schedules` chosen.
  }];
}

def ConvertPlanToKern : Pass<"convert-plan-to-kern", "::mlir::ModuleOp"> {
  let summary = "Choose kernels for every dispatch on the GPU";
  let description = [{
    Adds a `kern.func` for every launch that a dispatch on the gpu is made of, and names them in the dispatch. Equal ones are shared:
    kernels are as many as there are combinations of operation, shapes, encodings and epilogue. Weights in blocks get a kernel
    that makes the device's layout of the file's. Products need the schedules of `plan-choose-schedules`.

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
