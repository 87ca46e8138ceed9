// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/WeightShapes.h"

#include "llvm/ADT/StringSwitch.h"

namespace strata::moe {

// docs/dialects/Moe.md says what each size is; products of two 32-bit numbers fit.
llvm::SmallVector<uint64_t> expectedShape(HyperParametersAttr sizes, llvm::StringRef name) {
  uint64_t embedding = sizes.getEmbedding(), vocabulary = sizes.getVocabulary(), heads = sizes.getHeads();
  uint64_t latent = sizes.getLatent(), rope = sizes.getRope(), nope = sizes.getNope(), value = sizes.getValue();
  uint64_t experts = sizes.getExperts();
  return llvm::StringSwitch<llvm::SmallVector<uint64_t>>(name)
      .Case("token_embd.weight", {vocabulary, embedding})
      .Case("output.weight", {vocabulary, embedding})
      .Cases({"output_norm.weight", "attn_norm.weight", "ffn_norm.weight"}, {embedding})
      .Case("attn_q.weight", {heads * (nope + rope), embedding})
      .Case("attn_q_a.weight", {kAnySize, embedding})
      .Case("attn_q_a_norm.weight", {kAnySize})
      .Case("attn_q_b.weight", {heads * (nope + rope), kAnySize})
      .Case("attn_kv_a_mqa.weight", {latent + rope, embedding})
      .Case("attn_kv_a_norm.weight", {latent})
      .Case("attn_k_b.weight", {heads, latent, nope})
      .Case("attn_v_b.weight", {heads, value, latent})
      .Case("attn_output.weight", {embedding, heads * value})
      .Cases({"ffn_gate.weight", "ffn_up.weight"}, {kAnySize, embedding})
      .Case("ffn_down.weight", {embedding, kAnySize})
      .Case("ffn_gate_inp.weight", {experts, embedding})
      .Case("exp_probs_b.bias", {experts})
      .Cases({"ffn_gate_exps.weight", "ffn_up_exps.weight"}, {experts, kAnySize, embedding})
      .Case("ffn_down_exps.weight", {experts, embedding, kAnySize})
      .Cases({"ffn_gate_shexp.weight", "ffn_up_shexp.weight"}, {kAnySize, embedding})
      .Case("ffn_down_shexp.weight", {embedding, kAnySize})
      .Default({});
}

llvm::SmallVector<llvm::StringRef> requiredWeights(HyperParametersAttr sizes, uint32_t layer) {
  llvm::SmallVector<llvm::StringRef> names = {"attn_norm.weight", "attn_kv_a_mqa.weight", "attn_kv_a_norm.weight",
                                              "attn_k_b.weight",  "attn_v_b.weight",      "attn_output.weight",
                                              "ffn_norm.weight"};
  if (layer < sizes.getDenseLayers()) {
    names.append({"ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"});
    return names;
  }
  names.append({"ffn_gate_inp.weight", "ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight"});
  if (sizes.getSharedExperts() > 0)
    names.append({"ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight"});
  return names;
}

} // namespace strata::moe
