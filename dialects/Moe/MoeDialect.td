// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEDIALECT_TD
#define STRATA_DIALECTS_MOE_MOEDIALECT_TD

include "mlir/IR/OpBase.td"

def Moe_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::strata::moe";
  let summary = "What a Mixture-of-Experts language model computes";
  let description = [{
    The `moe` dialect says *what* is computed: tensors, experts and routing of the DeepSeek-V3 family, without a word
    about devices, memory or kernels.

    ```
    GGUF header ── import ──▶ moe ── passes/Moe ──▶ moe, fused and outlined ── MoeToPlan ──▶ plan
    ```

    * **Values** are rows of f32, `tensor<?x7168xf32>`: one row for each token, their number not known when compiling.
    * **Weights** are references by name, `moe.weight "blk.3.ffn_down.weight"`, with a shape and an encoding and never
      with numbers: the module of a 352 GiB model is a few kilobytes. A weight is row-major, `[N, K]` has N rows of K
      numbers, K contiguous: the reverse of GGUF's `ne`.
    * **Encodings** are element types: `!moe.q4_0` and so on for blocks of numbers, builtin `f32`, `f16`, `bf16` for
      plain ones. `moe.dequant` makes f32 of any of them; the fused operations read the encoding themselves.
    * **The cache** of the running layer, `!moe.kv<512, 64>`, is threaded as a value from what appends to what reads.
    * **Structure**: a `moe.model` holds one `moe.layer` for each layer. `moe-outline-layers` makes of them one
      `moe.block` for each *kind* of layer, run by `moe.layers` for ranges of layer numbers.

    Letters in formulas: T tokens, E embedding, H heads, L latent, R rope, P nope, V value width per head (vocabulary
    where no head is in sight), X experts, k experts used, F expert width, S width of the shared expert, N and K rows and
    columns of a weight. Formulas follow the DeepSeek-V2 and V3 reports (arXiv:2405.04434, arXiv:2412.19437).
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
}

#endif // STRATA_DIALECTS_MOE_MOEDIALECT_TD
