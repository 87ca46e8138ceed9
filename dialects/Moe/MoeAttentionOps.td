// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEATTENTIONOPS_TD
#define STRATA_DIALECTS_MOE_MOEATTENTIONOPS_TD

include "dialects/Moe/MoeBase.td"
include "mlir/IR/OpAsmInterface.td"

def Moe_AttentionGroup : OpDocGroup {
  let summary = "Attention";
  let description = [{
    Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1), in its expanded form, `moe.mla`, and taken
    apart into its absorbed form, where the query goes into the latent space and no key or value of a head is ever made.

    Rotation of R numbers at position p: pair i, numbers 2i and 2i+1, turns by the angle `p * frequencies[i]`, cosine
    and sine times `magnitude`. Positional interpolation (YaRN) is in the frequencies already.
  }];
}

let opDocGroup = Moe_AttentionGroup in {

def Moe_MlaOp : Moe_Op<"mla", [InferTypeOpAdaptor]> {
  let summary = "Multi-head latent attention, expanded";
  let description = [{
    Appends to the cache, then attends:

    ```
    latent, k_rope = split(kv_a)            kv_a [T, L+R]
    c = rms_norm(latent, w)                 w [L]
    cache += (c, rotate(k_rope))
    q_nope, q_rope = split of each head(q)  q [T, H*(P+R)]
    key_h(s)   = (Σ_l c_s[l] * k_b[h][l][:], k_rope_s)    k_b [H, L, P]
    value_h(s) = Σ_l v_b[h][:][l] * c_s[l]                v_b [H, V, L]
    y_h = Σ_s softmax_s(scale * (q_nope_h, rotate(q_rope_h)) · key_h(s)) * value_h(s)    y [T, H*V]
    ```

    where s runs over the positions of the row's sequence up to its own. `moe-absorb-mla` makes the absorbed form of it.

    ```mlir
    %1 = moe.mla %q, %kv_a, %kv_a_norm, %k_b, %v_b, %positions, %kv heads 128 nope 128 epsilon 1.0e-6 scale 0.135233775
        magnitude 1.0 frequencies [1.0, …]
      : (tensor<?x24576xf32>, tensor<?x576xf32>, tensor<512xf32>, tensor<128x512x128xf32>, tensor<128x128x512xf32>,
         !moe.positions, !moe.kv<512, 64>) -> tensor<?x16384xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$query, Moe_Rows:$kv_a, Moe_F32Vector:$norm, Moe_F32Stack:$k_b, Moe_F32Stack:$v_b,
                       Moe_PositionsValue:$positions, Arg<Moe_KvValue, "the cache", [MemRead, MemWrite]>:$kv,
                       Moe_Count:$heads, Moe_Count:$nope, Moe_PositiveFloat:$epsilon, Moe_PositiveFloat:$scale,
                       Moe_PositiveFloat:$magnitude, DenseF32ArrayAttr:$frequencies);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $query `,` $kv_a `,` $norm `,` $k_b `,` $v_b `,` $positions `,` $kv `heads` $heads `nope` $nope `epsilon` $epsilon
    `scale` $scale `magnitude` $magnitude `frequencies` $frequencies attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_QueryRopeOp : Moe_Op<"query_rope", [Pure, InferTypeOpAdaptor,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Splits each head's query and rotates its second part";
  let description = [{
    `nope [T, H*P], rope [T, H*R]` of a query [T, H*(P+R)]: of each head the first P numbers, and the last R, rotated.

    ```mlir
    %nope, %rope = moe.query_rope %q, %positions heads 128 nope 128 magnitude 1.0 frequencies [1.0, …]
      : (tensor<?x24576xf32>, !moe.positions) -> (tensor<?x16384xf32>, tensor<?x8192xf32>)
    ```
  }];
  let arguments = (ins Moe_Rows:$query, Moe_PositionsValue:$positions, Moe_Count:$heads, Moe_Count:$nope,
                       Moe_PositiveFloat:$magnitude, DenseF32ArrayAttr:$frequencies);
  // "nope" is the attribute's name, so that the results have longer ones.
  let results = (outs Moe_Rows:$nope_query, Moe_Rows:$rope_query);
  let assemblyFormat = [{
    $query `,` $positions `heads` $heads `nope` $nope `magnitude` $magnitude `frequencies` $frequencies attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Moe_KvAppendOp : Moe_Op<"kv_append", [AllTypesMatch<["kv", "result"]>]> {
  let summary = "Appends each row's latent and rotated key to the cache";
  let description = [{
    `cache += (rms_norm(kv_a[:, :L], w), rotate(kv_a[:, L:]))` with kv_a [T, L+R], w [L]. The result is the cache with the
    rows of this step, which all of them see up to their own position.

    ```mlir
    %1 = moe.kv_append %kv_a, %kv_a_norm, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, …]
      : tensor<?x576xf32>, tensor<512xf32>, !moe.kv<512, 64>
    ```
  }];
  let arguments = (ins Moe_Rows:$kv_a, Moe_F32Vector:$norm, Moe_PositionsValue:$positions,
                       Arg<Moe_KvValue, "the cache", [MemWrite]>:$kv, Moe_PositiveFloat:$epsilon,
                       Moe_PositiveFloat:$magnitude, DenseF32ArrayAttr:$frequencies);
  let results = (outs Moe_KvValue:$result);
  let assemblyFormat = [{
    $kv_a `,` $norm `,` $positions `,` $kv `epsilon` $epsilon `magnitude` $magnitude `frequencies` $frequencies
    attr-dict `:` type($kv_a) `,` type($norm) `,` qualified(type($kv))
  }];
  let hasVerifier = 1;
}

def Moe_LatentAttentionOp : Moe_Op<"latent_attention", [AllTypesMatch<["latent_query", "result"]>]> {
  let summary = "Attention in the latent space";
  let description = [{
    `y_h = Σ_s softmax_s(scale * (q_latent_h · c_s + q_rope_h · k_rope_s)) * c_s` with q_latent and y [T, H*L],
    q_rope [T, H*R]; s runs over the cached positions of the row's sequence up to its own.

    ```mlir
    %1 = moe.latent_attention %q_latent, %q_rope, %kv, %positions heads 128 scale 0.135233775
      : tensor<?x65536xf32>, tensor<?x8192xf32>, !moe.kv<512, 64>
    ```
  }];
  let arguments = (ins Moe_Rows:$latent_query, Moe_Rows:$rope_query, Arg<Moe_KvValue, "the cache", [MemRead]>:$kv,
                       Moe_PositionsValue:$positions, Moe_Count:$heads, Moe_PositiveFloat:$scale);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $latent_query `,` $rope_query `,` $kv `,` $positions `heads` $heads `scale` $scale attr-dict
    `:` type($latent_query) `,` type($rope_query) `,` qualified(type($kv))
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOEATTENTIONOPS_TD
