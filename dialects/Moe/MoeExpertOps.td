// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEEXPERTOPS_TD
#define STRATA_DIALECTS_MOE_MOEEXPERTOPS_TD

include "dialects/Moe/MoeBase.td"
include "mlir/IR/OpAsmInterface.td"

def Moe_ExpertGroup : OpDocGroup {
  let summary = "Experts";
  let description = "Routing, and the experts that it chooses (DeepSeek-V3, arXiv:2412.19437, section 2.1.2).";
}

let opDocGroup = Moe_ExpertGroup in {

def Moe_RouteOp : Moe_Op<"route", [Pure, InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Chooses the experts of each row, and their weights";
  let description = [{
    `ids [T, k], weights [T, k]` of logits [T, X]:

    ```
    score  = sigmoid(logits) or softmax(logits)
    choice = score (+ bias [X])
    with groups > 1: a group's value is the sum of its two best choices; the experts of all but the best
                     groups_used groups are out
    ids    = the k best choices, the lower id first among equals, in ascending order
    weights = score[ids] (/ (Σ score[ids] + 1e-20) if normalise) * scale
    ```

    ```mlir
    %ids, %weights = moe.route sigmoid %logits bias %exp_probs_b groups 4 of 8 experts 8 scale 2.5 normalise
      : (tensor<?x256xf32>, tensor<256xf32>) -> (tensor<?x8xi32>, tensor<?x8xf32>)
    ```
  }];
  let arguments = (ins Moe_Rows:$logits, Optional<Moe_F32Vector>:$bias, Moe_Gate:$gate, Moe_Count:$groups,
                       Moe_Count:$groups_used, Moe_Count:$experts_used, Moe_PositiveFloat:$scale, UnitAttr:$normalise);
  let results = (outs Moe_Ids:$ids, Moe_Rows:$weights);
  let assemblyFormat = [{
    $gate $logits (`bias` $bias^)? `groups` $groups_used `of` $groups `experts` $experts_used `scale` $scale
    (`normalise` $normalise^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_ExpertsOp : Moe_Op<"experts", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "The weighted sum of each row's experts";
  let description = [{
    `y[t] = Σ_j weights[t][j] * down_e (silu(gate_e x[t]) * up_e x[t])`, e = ids[t][j], in ascending e, with x and y
    [T, E], ids and weights [T, k], gate and up [X, F, E], down [X, E, F]: f32 as imported, of any encoding once
    `moe-fuse-dequant-matmul` has run.

    ```mlir
    %1 = moe.experts %0, %ids, %weights, %gate, %up, %down
      : tensor<?x7168xf32>, tensor<?x8xi32>, tensor<?x8xf32>, tensor<256x2048x7168x!moe.q4_0>,
        tensor<256x2048x7168x!moe.q4_0>, tensor<256x7168x2048x!moe.q4_0>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_Ids:$ids, Moe_Rows:$weights, Moe_Stack:$gate, Moe_Stack:$up,
                       Moe_Stack:$down);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $input `,` $ids `,` $weights `,` $gate `,` $up `,` $down attr-dict
    `:` type($input) `,` type($ids) `,` type($weights) `,` type($gate) `,` type($up) `,` type($down)
  }];
  let hasVerifier = 1;
}

def Moe_GroupedExpertsOp : Moe_Op<"grouped_experts", [Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "Routed experts, shared expert and residual in one";
  let description = [{
    `y = residual + (experts(x, ids, weights, gate, up, down) + sharedDown (silu(sharedGate x) * sharedUp x))`, the shared
    expert unweighted and absent in models that have none; shared gate and up [S, E], shared down [E, S], residual and y
    [T, E], the others as of `moe.experts`, all weights of any encoding.

    ```mlir
    %1 = moe.grouped_experts %0, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %h
      : (tensor<?x7168xf32>, tensor<?x8xi32>, tensor<?x8xf32>, tensor<256x2048x7168x!moe.q4_0>,
         tensor<256x2048x7168x!moe.q4_0>, tensor<256x7168x2048x!moe.q4_0>, tensor<2048x7168x!moe.q4_0>,
         tensor<2048x7168x!moe.q4_0>, tensor<7168x2048x!moe.q4_0>, tensor<?x7168xf32>) -> tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$input, Moe_Ids:$ids, Moe_Rows:$weights, Moe_Stack:$gate, Moe_Stack:$up,
                       Moe_Stack:$down, Optional<Moe_Matrix>:$shared_gate, Optional<Moe_Matrix>:$shared_up,
                       Optional<Moe_Matrix>:$shared_down, Moe_Rows:$residual);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $input `,` $ids `,` $weights `,` $gate `,` $up `,` $down
    (`shared` $shared_gate^ `,` $shared_up `,` $shared_down)? `residual` $residual attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOEEXPERTOPS_TD
