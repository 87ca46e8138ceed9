// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_CONVERSION_MOETOPLAN_PASSES_TD
#define STRATA_PASSES_CONVERSION_MOETOPLAN_PASSES_TD

include "mlir/Pass/PassBase.td"

class ActivationsOption<string cppName, string name, string default, string description>
    : Option<cppName, name, "::strata::plan::ActivationEncoding", "::strata::plan::ActivationEncoding::" # default, description, [{
        ::llvm::cl::values(
          clEnumValN(::strata::plan::ActivationEncoding::i8, "i8", "one int8 digit, a scale for every 32"),
          clEnumValN(::strata::plan::ActivationEncoding::i16, "i16", "two int8 digits, a scale for every 32"),
          clEnumValN(::strata::plan::ActivationEncoding::f32, "f32", "not quantised"))
      }]>;

def ConvertMoeToPlan : Pass<"convert-moe-to-plan", "::mlir::ModuleOp"> {
  let summary = "Decide where values live and which device computes them";
  let description = [{
    Turns a model in outlined, fused form (`moe-optimise`) into a decode and a prompt program for one device, with all weights in
    its memory. Every block becomes one block of each program:

    - decode: one `step` stage. Attention is `attention_splits` and `attention_combine`, experts are `experts_gate_up`,
      `quantise` and `experts_down`.
    - prompt: a `chunk` stage. A block with experts ends it at the router, and has a `prompt` stage with `experts` (on the gpu
      `experts_grouped`, which differs in its scratch), so that each expert is read once for all tokens. The head has an `output` stage.

    The embedding and the head become blocks of their own. Residuals are added in place. What a product with block-quantised
    weights reads is quantised once, for all of its readers. Values that are needed in more than one stage get `prompt` rows.

    Before:
    ```mlir
    %1 = moe.rms_norm %0, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    %2 = moe.dequant_matmul %1, %a : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
    %3 = moe.dequant_matmul %1, %b : (tensor<?x64xf32>, tensor<96x64x!moe.q4_0>) -> tensor<?x96xf32>
    ```
    After, in the decode program (types left out):
    ```mlir
    plan.dispatch rms_norm few on host reads(%0, %norm) writes(%1) with (#plan.norm<epsilon = 1.0e-6 : f32>)
    plan.dispatch quantise few on host reads(%1) writes(%1q)
    plan.dispatch matmul few on host reads(%1q, %a, none) writes(%2)
    plan.dispatch matmul few on host reads(%1q, %b, none) writes(%3)
    ```

    *Several tiers.* A module that has `plan.experts` says where every routed expert is. Their weights are then `by experts` in the
    weight table. On a GPU the host holds the token embedding and reads it; when decoding it gets each token's router choice and
    normalised row, computes the experts that the GPU does not have, and its sum comes back:

    ```mlir
    %sent = plan.transfer %expert_weights to %expert_weights.host : ...     // and before it ids and rows
    plan.dispatch experts_down few on gpu reads(%hidden, %ids, ...) writes(%expert_sum) ...
    plan.wait %sent on host
    plan.dispatch experts_down few on host reads(%hidden.host, %ids.host, ...) writes(%expert_sum.host) ...
    %back = plan.transfer %expert_sum.host to %returned : ...
    plan.wait %back on gpu
    plan.dispatch add few on gpu reads(%expert_sum, %returned) writes(%expert_sum) ...
    ```

    Then the shared expert is added, and the residual. In a prompt the GPU computes all experts; `plan.stream` brings what it does not
    have, through the module's arenas of kind `staging`. An embedding that is the head's matrix too stays where the head is.

    A module with `plan.host_layers` has a second block, `@NAME_host`, for layers of a kind that the host computes too. Before them (or
    the head, if that alone is the host's) stands the block `@hand_over`, which copies the residual. In a prompt the routed experts of
    the host's layers are the GPU's, all tokens at once:

    ```mlir
    %sent = plan.transfer %expert_weights to %expert_weights.gpu : ...      // and before it rows and ids
    plan.wait %sent on gpu
    plan.stream %gate, %up, %down through @ring into @staging : ...
    plan.dispatch experts_grouped many on gpu reads(%rows.gpu, %expert_ids.gpu, %expert_weights.gpu, ...) writes(%expert_result, ...) ...
    %back = plan.transfer %expert_result to %expert_result.host : ...
    plan.wait %back on host
    ```

    and another `chunk` stage adds the shared expert and the residual.

    Statistics: `dispatches` of both programs; `quantise-shared`, reads of an activation that was quantised before.

    Operations that have no dispatch are reported together, with the pass that should have replaced them.
  }];
  let dependentDialects = ["::strata::plan::PlanDialect"];
  let options = [
    Option<"context", "context", "uint32_t", "4096", "Positions per sequence">,
    Option<"sequences", "sequences", "uint32_t", "1", "Sequences that decode together">,
    Option<"promptTokens", "prompt-tokens", "uint32_t", "0", "Rows of per-prompt values; 0: the context">,
    Option<"chunkTokens", "chunk-tokens", "uint32_t", "0", "Rows of per-chunk values; 0: 512, at most the prompt's">,
    ActivationsOption<"decodeActivations", "decode-activations", "i16", "How activations are stored when decoding">,
    ActivationsOption<"promptActivations", "prompt-activations", "i8", "How activations are stored in prompts">,
    Option<"kv", "kv", "::strata::plan::KvEncoding", "::strata::plan::KvEncoding::f16", "How the KV cache is stored", [{
      ::llvm::cl::values(
        clEnumValN(::strata::plan::KvEncoding::f16, "f16", "16-bit floats"),
        clEnumValN(::strata::plan::KvEncoding::f32, "f32", "32-bit floats"))
    }]>,
    Option<"device", "device", "::strata::plan::DeviceKind", "::strata::plan::DeviceKind::host", "What runs everything", [{
      ::llvm::cl::values(
        clEnumValN(::strata::plan::DeviceKind::host, "host", "the host's cores, all in RAM"),
        clEnumValN(::strata::plan::DeviceKind::gpu, "gpu", "the GPU, all in its memory"))
    }]>,
    Option<"splitPositions", "split-positions", "uint32_t", "256",
           "Positions of one partial result of attention when decoding, a multiple of 64">
  ];
}

#endif
