// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEELEMENTWISEOPS_TD
#define STRATA_DIALECTS_MOE_MOEELEMENTWISEOPS_TD

include "dialects/Moe/MoeBase.td"

def Moe_ElementwiseGroup : OpDocGroup {
  let summary = "Rows";
  let description = "Element by element, and the norm of a row.";
}

let opDocGroup = Moe_ElementwiseGroup in {

def Moe_RmsNormOp : Moe_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "Root-mean-square norm of each row";
  let description = [{
    `y[t][k] = x[t][k] / sqrt(mean_k(x[t][k]²) + epsilon) * w[k]` with x and y [T, K], w [K]
    (Zhang and Sennrich, arXiv:1910.07467).

    ```mlir
    %1 = moe.rms_norm %0, %attn_norm epsilon 1.0e-6 : tensor<?x7168xf32>, tensor<7168xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_F32Vector:$weight, Moe_PositiveFloat:$epsilon);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input `,` $weight `epsilon` $epsilon attr-dict `:` type($input) `,` type($weight)";
  let hasVerifier = 1;
}

def Moe_SiluOp : Moe_Op<"silu", [Pure, SameOperandsAndResultType]> {
  let summary = "Sigmoid-weighted linear unit of each number";
  let description = [{
    `y = x / (1 + exp(-x))` with x and y [T, K].

    ```mlir
    %1 = moe.silu %0 : tensor<?x18432xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def Moe_MulOp : Moe_Op<"mul", [Pure, Commutative, SameOperandsAndResultType]> {
  let summary = "Product of each pair of numbers";
  let description = [{
    `y = a * b` with a, b and y [T, K].

    ```mlir
    %2 = moe.mul %0, %1 : tensor<?x18432xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$lhs, Moe_Rows:$rhs);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs)";
}

def Moe_AddOp : Moe_Op<"add", [Pure, Commutative, SameOperandsAndResultType]> {
  let summary = "Sum of each pair of numbers";
  let description = [{
    `y = a + b` with a, b and y [T, K].

    ```mlir
    %2 = moe.add %0, %1 : tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$lhs, Moe_Rows:$rhs);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs)";
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOEELEMENTWISEOPS_TD
