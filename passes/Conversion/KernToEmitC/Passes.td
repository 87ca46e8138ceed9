// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_CONVERSION_KERNTOEMITC_PASSES_TD
#define STRATA_PASSES_CONVERSION_KERNTOEMITC_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertKernToEmitC : Pass<"convert-kern-to-emitc", "::mlir::ModuleOp"> {
  let summary = "Turn a kernel into EmitC, as it is printed in CUDA C++";
  let description = [{
    For a module with one `kern.func`: the epilogue becomes the device function `epilogue`, a table an array, and the function the entry
    point, which calls its main loop. The texts that it names are not part of it: they are printed before.

    Before:
    ```mlir
    kern.func @add_7168(%left: !kern.pointer<f32, read>, %right: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
        launch <threads = 128, grid_x = 14, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 4> texts ["Rows.cuh"] {
      kern.main_loop "strata::add<7168>"(%left, %right, %result) : ...
    }
    ```
    After, printed:
    ```c++
    extern "C" __global__ __launch_bounds__(128, 4) void add_7168(const float * v1, const float * v2, float * v3, unsigned v4) {
      strata::add<7168>(v1, v2, v3);
      return;
    }
    ```
  }];
  let dependentDialects = ["::mlir::emitc::EmitCDialect"];
}

#endif
