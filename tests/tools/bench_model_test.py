# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-bench of a GGUF: the kernels of the real model, by shape."""
import json
import unittest

from strata_test import DERIVED_MODELS, ToolTest

SIM = ["--kernels", "--device=sim"]


class BenchModel(ToolTest):
    def testProductsOfTheRealModel(self):
        header = DERIVED_MODELS / "deepseek-v3.1-q4_0.header.gguf"
        out = self.succeed("strata-bench", header, *SIM, "--output=json", "--most-macs=10000000", "--context=64", "--tokens=64").out
        prompt = {row["kernel"]: row for row in json.loads(out) if row["program"] == "prompt"}
        rows = {row["kernel"]: row for row in json.loads(out) if row["program"] == "decode"}
        for name, launches in (("attn_q_a", 61), ("attn_output", 61), ("ffn_gate_up", 3), ("ffn_gate_inp", 58),
                               ("ffn_gate_up_exps", 58), ("ffn_down_exps", 58), ("output", 1)):
            self.assertEqual(rows[name]["launches"], launches)
        # Weights are most of what a product of one row reads: 18 bytes for 32 of them in Q4_0, 210 for 256 in Q6_K.
        for name, weights, bytesPerWeight in (("attn_q_b", 24576 * 1536, 18 / 32), ("attn_output", 7168 * 16384, 18 / 32),
                                              ("ffn_gate_up_exps", 2 * 9 * 2048 * 7168, 18 / 32),
                                              ("output", 129280 * 7168, 210 / 256)):
            row = rows[name]
            self.assertAlmostEqual(row["hbm_bytes"] / row["launches"] / (weights * bytesPerWeight), 1, delta=0.03)
            self.assertLess(60, row["hbm_percent"], name)
            self.assertLess(row["hbm_percent"], 98, name)
        self.assertEqual(rows["attn_k_b"]["executed_ctas"], rows["attn_k_b"]["ctas"])
        self.assertIsNone(rows["route"]["tops"])
        self.assertEqual(set(prompt) - set(rows), set())
        for name in ("attn_q_b", "attn_output", "ffn_gate_up"):  # Tensor cores: more than memory or dp4a would give.
            self.assertLess(10, prompt[name]["tops"], name)
            self.assertLess(prompt[name]["tops"], 131, name)
            self.assertGreater(prompt[name]["warp_tensor"], 0, name)
        self.assertLess(rows["output"]["executed_ctas"], 100)
        self.refuse(1, "", "strata-bench", DERIVED_MODELS / "missing.gguf", *SIM)


if __name__ == "__main__":
    unittest.main()
