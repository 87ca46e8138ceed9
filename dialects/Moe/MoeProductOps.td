// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEPRODUCTOPS_TD
#define STRATA_DIALECTS_MOE_MOEPRODUCTOPS_TD

include "dialects/Moe/MoeBase.td"

def Moe_ProductGroup : OpDocGroup {
  let summary = "Products";
  let description = "Rows times weights: on f32, and fused with what makes f32 of an encoded weight.";
}

let opDocGroup = Moe_ProductGroup in {

def Moe_MatmulOp : Moe_Op<"matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "Rows times a matrix";
  let description = [{
    `y[t][n] = Σ_k x[t][k] * w[n][k]` with x [T, K], w [N, K], y [T, N].

    ```mlir
    %1 = moe.matmul %0, %w : (tensor<?x7168xf32>, tensor<1536x7168xf32>) -> tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_F32Matrix:$weight);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_DequantMatmulOp : Moe_Op<"dequant_matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "Rows times an encoded matrix, plus a residual";
  let description = [{
    `y[t][n] = Σ_k x[t][k] * decode(w)[n][k] (+ residual[t][n])` with x [T, K], w [N, K] of any encoding (decoding f32 is
    the identity), residual and y [T, N].

    ```mlir
    %1 = moe.dequant_matmul %0, %w residual %r
      : (tensor<?x16384xf32>, tensor<7168x16384x!moe.q4_0>, tensor<?x7168xf32>) -> tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_Matrix:$weight, Optional<Moe_Rows>:$residual);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight (`residual` $residual^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_GatedMatmulOp : Moe_Op<"gated_matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "The hidden rows of a gated feed-forward network";
  let description = [{
    `y = silu(x gateᵀ) * (x upᵀ)` with x [T, K], gate and up [N, K] of any encodings, y [T, N].

    ```mlir
    %1 = moe.gated_matmul %0, %gate, %up
      : (tensor<?x7168xf32>, tensor<18432x7168x!moe.q4_0>, tensor<18432x7168x!moe.q4_0>) -> tensor<?x18432xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_Matrix:$gate, Moe_Matrix:$up);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input `,` $gate `,` $up attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_HeadMatmulOp : Moe_Op<"head_matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "Rows times a matrix of each head";
  let description = [{
    `y[t][h*N + n] = Σ_k x[t][h*K + k] * w[h][n][k]` with x [T, H*K], w [H, N, K], y [T, H*N].

    ```mlir
    %1 = moe.head_matmul %0, %k_b heads 128 : (tensor<?x16384xf32>, tensor<128x512x128xf32>) -> tensor<?x65536xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_F32Stack:$weight, Moe_Count:$heads);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input `,` $weight `heads` $heads attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Moe_DequantHeadMatmulOp : Moe_Op<"dequant_head_matmul", [Pure, InferTypeOpAdaptor]> {
  let summary = "Rows times an encoded matrix of each head";
  let description = [{
    `y[t][h*N + n] = Σ_k x[t][h*K + k] * decode(w)[h][n][k]` with x [T, H*K], w [H, N, K] of any encoding, y [T, H*N].

    ```mlir
    %1 = moe.dequant_head_matmul %0, %k_b heads 128
      : (tensor<?x16384xf32>, tensor<128x512x128x!moe.q4_0>) -> tensor<?x65536xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_Stack:$weight, Moe_Count:$heads);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$input `,` $weight `heads` $heads attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOEPRODUCTOPS_TD
