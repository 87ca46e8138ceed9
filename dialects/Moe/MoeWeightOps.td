// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEWEIGHTOPS_TD
#define STRATA_DIALECTS_MOE_MOEWEIGHTOPS_TD

include "dialects/Moe/MoeBase.td"
include "mlir/IR/OpAsmInterface.td"

def Moe_WeightGroup : OpDocGroup {
  let summary = "Weights";
  let description = "References to the tensors of a model's file, and what reads them directly.";
}

let opDocGroup = Moe_WeightGroup in {

def Moe_WeightOp : Moe_Op<"weight", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A tensor of the model's file, by name";
  let description = [{
    A reference: no number of the tensor is in the module. The type says its shape, row-major, and its encoding; every
    row is a whole number of the encoding's blocks. In a `moe.block`, and only there, `*` stands for the layer's number.

    ```mlir
    %ffn_down = moe.weight "blk.0.ffn_down.weight" : tensor<7168x18432x!moe.q4_0>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Moe_Weight:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Moe_DequantOp : Moe_Op<"dequant", [Pure, InferTypeOpAdaptor]> {
  let summary = "The numbers of an encoded weight";
  let description = [{
    `y = decode(w)`, of the same shape, f32. Folds to its operand if that is f32 already.

    ```mlir
    %1 = moe.dequant %w : (tensor<7168x18432x!moe.q4_0>) -> tensor<7168x18432xf32>
    ```
  }];
  let arguments = (ins Moe_Weight:$weight);
  let results = (outs Moe_Weight:$result);
  let assemblyFormat = "$weight attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def Moe_EmbedOp : Moe_Op<"embed", [Pure, InferTypeOpAdaptor]> {
  let summary = "The rows of the embedding that tokens name";
  let description = [{
    `y [T, E]: y[t] = decode(w[tokens[t]])`, w [V, E] of any encoding.

    ```mlir
    %0 = moe.embed %tokens, %token_embd : (tensor<?xi32>, tensor<129280x7168x!moe.q4_0>) -> tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins Moe_Tokens:$tokens, Moe_Matrix:$weight);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = "$tokens `,` $weight attr-dict `:` functional-type(operands, results)";
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOEWEIGHTOPS_TD
