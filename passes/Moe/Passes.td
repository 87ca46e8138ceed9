// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_MOE_PASSES_TD
#define STRATA_PASSES_MOE_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeVerifyModel : Pass<"moe-verify-model", "::mlir::ModuleOp"> {
  let summary = "Report everything in a model that contradicts its hyper-parameters";
  let description = [{
    Checks what no single operation can see: that layers are numbered 0, 1, 2 … and are as many as the hyper-parameters
    say, that every layer has the weights of its kind (dense or with experts), each once, under its own number and with
    the shape that the hyper-parameters give, and that caches, heads and routers agree with them. All problems of a model
    are notes of one error, each at its operation, so that one run shows everything there is to mend.

    ```
    error: the model has 2 problems
    note: weight 'blk.1.attn_norm.weight' has shape [96], but the hyper-parameters make it [64]
    note: layer 1 has no weight 'blk.1.ffn_down.weight'
    ```

    Runs on models as imported, before `moe-outline-layers`. The module does not change.

    Statistics: `weights` checked.
  }];
}

def MoeAbsorbMla : Pass<"moe-absorb-mla"> {
  let summary = "Take latent attention apart into its absorbed form";
  let description = [{
    The key of a head is `k_b` times the cached latent, so `q · (k_b c) = (q k_b) · c`: the query goes into the latent
    space once, instead of every cached position out of it; and `v_b`, which no position changes, is applied after the
    sum over positions instead of before (DeepSeek-V2, arXiv:2405.04434, section 2.1.2). Same function, other order of
    sums.

    ```mlir
    %o = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 32 …
    ```
    becomes
    ```mlir
    %nope, %rope = moe.query_rope %q, %positions heads 4 nope 32 …
    %cache = moe.kv_append %kv_a, %norm, %positions, %kv …
    %latent = moe.head_matmul %nope, %k_b heads 4
    %sum = moe.latent_attention %latent, %rope, %cache, %positions heads 4 …
    %o = moe.head_matmul %sum, %v_b heads 4
    ```

    Statistics: attentions `absorbed`.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

def MoeFuseDequantMatmul : Pass<"moe-fuse-dequant-matmul"> {
  let summary = "Let products read their weights as they are encoded";
  let description = [{
    No f32 copy of a weight is made; a product decodes blocks as it reads them.

    ```mlir
    %w = moe.weight "blk.0.ffn_down.weight" : tensor<64x96x!moe.q4_0>
    %f = moe.dequant %w : (tensor<64x96x!moe.q4_0>) -> tensor<64x96xf32>
    %y = moe.matmul %x, %f : (tensor<?x96xf32>, tensor<64x96xf32>) -> tensor<?x64xf32>
    ```
    becomes
    ```mlir
    %w = moe.weight "blk.0.ffn_down.weight" : tensor<64x96x!moe.q4_0>
    %y = moe.dequant_matmul %x, %w : (tensor<?x96xf32>, tensor<64x96x!moe.q4_0>) -> tensor<?x64xf32>
    ```

    `moe.head_matmul` becomes `moe.dequant_head_matmul` likewise, and `moe.experts` takes the encoded weights. Weights
    that are f32 in the file have no `moe.dequant`; their products are rewritten too, so that the passes that follow see
    one form of product. `moe.mla` keeps decoded weights: only its absorbed form is made of products.

    Statistics: `products`, and `experts` operations, that now read encoded weights.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

def MoeFuseGatedMatmul : Pass<"moe-fuse-gated-matmul"> {
  let summary = "Fuse the two products of a gated feed-forward network";
  let description = [{
    ```mlir
    %g = moe.dequant_matmul %x, %gate : …
    %u = moe.dequant_matmul %x, %up : …
    %s = moe.silu %g : …
    %y = moe.mul %s, %u : …
    ```
    becomes
    ```mlir
    %y = moe.gated_matmul %x, %gate, %up : …
    ```

    Only if nothing else uses the products: one that is needed anyway would be computed twice.

    Statistics: gated products `fused`.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

def MoeGroupExperts : Pass<"moe-group-experts"> {
  let summary = "Make one operation of routed experts, shared expert and residual";
  let description = [{
    ```mlir
    %r = moe.experts %x, %ids, %weights, %gate, %up, %down : …
    %g = moe.gated_matmul %x, %sgate, %sup : …
    %s = moe.dequant_matmul %g, %sdown : …
    %t = moe.add %r, %s : …
    %y = moe.add %h, %t : …
    ```
    becomes
    ```mlir
    %y = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %h : …
    ```

    In a model without a shared expert `moe.add %h, %r` becomes `moe.grouped_experts … residual %h`. Only if nothing else
    uses what disappears, and the shared expert reads the same rows as the routed ones.

    Statistics: expert operations `grouped`, and those with a `shared` expert.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

def MoeFuseResidual : Pass<"moe-fuse-residual"> {
  let summary = "Let products add the residual";
  let description = [{
    ```mlir
    %p = moe.dequant_matmul %x, %w : …
    %y = moe.add %h, %p : …
    ```
    becomes
    ```mlir
    %y = moe.dequant_matmul %x, %w residual %h : …
    ```

    Only if nothing else uses the product, and it has no residual yet.

    Statistics: residuals `fused`.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

def MoeOutlineLayers : Pass<"moe-outline-layers", "::mlir::ModuleOp"> {
  let summary = "Make one block of all equal layers";
  let description = [{
    Layers are equal if they have the same operations on the same values, with the same attributes and types, when `*`
    stands for the layer's number in the names of weights. Every kind becomes a `moe.block`, `@dense_layer` or
    `@moe_layer` by whether it routes (`@moe_layer_1` … for further kinds); every run of consecutive equal layers, each
    fed by the one before, becomes one `moe.layers`. The size of the module then depends on the number of kinds, not of
    layers.

    ```mlir
    moe.model @main … {
      %1 = moe.layer 0 (%0, %positions) as (%x: …) { moe.weight "blk.0.attn_norm.weight" … }
      %2 = moe.layer 1 (%1, %positions) as (%x: …) { moe.weight "blk.1.attn_norm.weight" … }
      …
    ```
    becomes
    ```mlir
    moe.block @dense_layer (%x: …) { moe.weight "blk.*.attn_norm.weight" … }
    moe.model @main … {
      %1 = moe.layers @dense_layer(%0, %positions) from 0 count 2 : …
      …
    ```

    Statistics: `layers` outlined, `blocks` made, `runs` of equal layers.
  }];
  let dependentDialects = ["::strata::moe::MoeDialect"];
}

#endif // STRATA_PASSES_MOE_PASSES_TD
