# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an f16 KV cache costs a deepseek2 GGUF when everything else is exact: the model in float64, its latents and rotated
keys rounded to f16, against golden logits.

usage: python cache_error.py MODEL.gguf NAME.json     needs numpy and the gguf package; as files of today have it: q-lora,
sigmoid gating, groups, YaRN

Prints, per case, the normalised mean square error without and with the rounding, and of the worst row its position, its
error and the smallest distance at the edge of a selection: a row whose distance is below the rounding's effect takes
another expert, and no implementation with that cache can avoid it.
"""
import json
import math
import sys

import gguf
import numpy as np


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float64)
                        .reshape([int(n) for n in t.shape][::-1]) for t in reader.tensors}
        key = lambda name, default=None: (reader.fields["deepseek2." + name].contents()
                                          if "deepseek2." + name in reader.fields else default)
        self.layers, self.dense = key("block_count"), key("leading_dense_block_count")
        self.heads, self.latent = key("attention.head_count"), key("attention.kv_lora_rank")
        self.rope = key("rope.dimension_count")
        self.nope = key("attention.key_length_mla") - self.rope
        self.epsilon = key("attention.layer_norm_rms_epsilon")
        self.used, self.scale = key("expert_used_count"), key("expert_weights_scale")
        self.groups, self.groups_used = key("expert_group_count"), key("expert_group_used_count")
        factor, base = key("rope.scaling.factor"), key("rope.freq_base")
        original = key("rope.scaling.original_context_length")

        # YaRN (arXiv 2309.00071): pairs that turn often keep their frequency, slow ones are stretched.
        def pair(turns):
            return self.rope * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
        low = max(math.floor(pair(key("rope.scaling.yarn_beta_fast", 32))), 0)
        high = min(math.ceil(pair(key("rope.scaling.yarn_beta_slow", 1))), self.rope - 1)
        pairs = np.arange(self.rope // 2)
        stretched = np.clip((pairs - low) / max(high - low, 0.001), 0, 1)
        self.frequencies = base ** (-2 * pairs / self.rope) * (1 - stretched + stretched / factor)
        magnitude = 1 + key("rope.scaling.yarn_log_multiplier", 0.1) * math.log(factor)
        self.softmax_scale = (self.nope + self.rope) ** -0.5 * magnitude**2

    def norm(self, x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon) * weight

    def rotate(self, x):
        """Adjacent pairs of [tokens, ..., rope], the token's index being its position."""
        angles = np.arange(len(x))[:, None] * self.frequencies
        angles = angles.reshape(len(x), *[1] * (x.ndim - 2), -1)
        even, odd = x[..., 0::2], x[..., 1::2]
        y = np.empty_like(x)
        y[..., 0::2] = even * np.cos(angles) - odd * np.sin(angles)
        y[..., 1::2] = even * np.sin(angles) + odd * np.cos(angles)
        return y

    def attention(self, x, weight, cached):
        tokens = len(x)
        query = self.norm(x @ weight("attn_q_a").T, weight("attn_q_a_norm")) @ weight("attn_q_b").T
        query = query.reshape(tokens, self.heads, self.nope + self.rope)
        kv = x @ weight("attn_kv_a_mqa").T
        latent = cached(self.norm(kv[:, :self.latent], weight("attn_kv_a_norm")))
        key = cached(self.rotate(kv[:, self.latent:]))
        absorbed = np.einsum("thn,hln->thl", query[..., :self.nope], weight("attn_k_b"))
        scores = np.einsum("thl,sl->hts", absorbed, latent)
        scores += np.einsum("thr,sr->hts", self.rotate(query[..., self.nope:]), key)
        scores = np.where(np.tril(np.ones((tokens, tokens), bool)), scores * self.softmax_scale, -np.inf)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hts,sl->thl", p / p.sum(-1, keepdims=True), latent)
        value = np.einsum("thl,hvl->thv", mixed, weight("attn_v_b"))
        return value.reshape(tokens, -1) @ weight("attn_output").T

    def select(self, scores):
        """The experts of one token by biased score, and the distance to another choice."""
        per_group = len(scores) // self.groups
        group_scores = np.sort(scores.reshape(self.groups, per_group), -1)[:, -2:].sum(-1)
        order = np.argsort(-group_scores, kind="stable")
        masked = np.full(len(scores), -np.inf)
        for group in order[:self.groups_used]:
            at = slice(group * per_group, (group + 1) * per_group)
            masked[at] = scores[at]
        experts = np.argsort(-masked, kind="stable")
        gap = masked[experts[self.used - 1]] - masked[experts[self.used]]
        if self.groups_used < self.groups:
            gap = min(gap, group_scores[order[self.groups_used - 1]] - group_scores[order[self.groups_used]])
        return experts[:self.used], gap

    def experts(self, x, layer, weight, gaps):
        probability = 1 / (1 + np.exp(-(x @ weight("ffn_gate_inp").T)))
        y = ffn(x, weight("ffn_gate_shexp"), weight("ffn_up_shexp"), weight("ffn_down_shexp"))
        for token, row in enumerate(x):
            experts, gap = self.select(probability[token] + self.weights[f"blk.{layer}.exp_probs_b.bias"])
            gaps[token] = min(gaps[token], gap)
            shares = probability[token][experts]
            for expert, share in zip(experts, shares / (shares.sum() + 1e-20) * self.scale):
                y[token] += share * ffn(row, *(weight(f"ffn_{part}_exps")[expert] for part in ("gate", "up", "down")))
        return y

    def run(self, ids, cached):
        """Logits of every position, and the smallest distance to another choice of experts."""
        x = self.weights["token_embd.weight"][ids]
        gaps = np.full(len(ids), np.inf)
        for layer in range(self.layers):
            weight = lambda name: self.weights[f"blk.{layer}.{name}.weight"]
            x = x + self.attention(self.norm(x, weight("attn_norm")), weight, cached)
            normed = self.norm(x, weight("ffn_norm"))
            if layer < self.dense:
                x = x + ffn(normed, weight("ffn_gate"), weight("ffn_up"), weight("ffn_down"))
            else:
                x = x + self.experts(normed, layer, weight, gaps)
        return self.norm(x, self.weights["output_norm.weight"]) @ self.weights["output.weight"].T, gaps


def ffn(x, gate, up, down):
    g = x @ gate.T
    return (g / (1 + np.exp(-g)) * (x @ up.T)) @ down.T


def main(path, golden):
    model = Model(path)
    logits = np.load(golden.replace(".json", ".logits.npy")).astype(np.float64)
    for number, case in enumerate(json.load(open(golden))["cases"]):
        positions, rows = [row[0] for row in case["rows"]], [row[1] for row in case["rows"]]
        expected = logits[rows]
        spread = ((expected - expected.mean(1, keepdims=True)) ** 2).sum(1)
        for name, cached in (("exact", lambda x: x), ("f16", lambda x: x.astype(np.float16).astype(np.float64))):
            out, gaps = model.run(case["prompt"] + case["greedy"], cached)
            errors = ((out[positions] - expected) ** 2).sum(1)
            worst = int(np.argmax(errors / spread))
            print(f"case {number} {name:5} nmse {errors.sum() / spread.sum():.3e}; worst row: position {positions[worst]}, "
                  f"nmse {errors[worst] / spread[worst]:.3e}, distance {case['rows'][worst][2]:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])
