// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kern dialect.

#ifndef STRATA_DIALECTS_KERN_KERNDIALECT_TD
#define STRATA_DIALECTS_KERN_KERNDIALECT_TD

include "mlir/IR/OpBase.td"

def Kern_Dialect : Dialect {
  let name = "kern";
  let cppNamespace = "::strata::kern";
  let summary = "How a kernel of the GPU is built.";
  let description = [{
    The kernel level of a compiled model. A `kern.func` is one entry point: its parameters, the geometry of its launch, and a body that
    calls a main loop. Main loops (a row's dot product, an attention tile, a sort) are written by hand, in CUDA C++ templates
    (`compiler/Codegen/Kernels`); what depends on the model stands here: the constants of the templates, what is loaded before, and
    what happens to each number that the main loop makes, the epilogue. `convert-kern-to-emitc` turns a function into EmitC, which
    is printed as CUDA text behind the texts that it names.

    ```mlir
    kern.func @matmulFew_Q4_0_I16_7168x16384_1x2_residual(%input: !kern.pointer<bytes, read>, %weight: !kern.pointer<bytes, read>,
                           %residual: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
        launch <threads = 128, grid_x = 56, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 5> texts ["MatmulFew.cuh"] {
      kern.main_loop "strata::matmulFew<strata::Q4_0, strata::I16, 7168, 16384, epilogue, 1, 2>"
          (%input, %weight, %rows, %residual, %result) : ... epilogue [3, 4] (%value, %row, %column) {
        %0 = kern.load %residual[%row, %column] columns 7168 : !kern.pointer<f32, read>
        %1 = arith.addf %value, %0 : f32
        kern.store %1, %result[%row, %column] columns 7168 : !kern.pointer<f32, write>
      }
    }
    ```
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif
