# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What strata-dump and strata-run --tokenize print."""
import json
import unittest

from strata_test import MODELS, TINY, ToolTest

SECTIONS = ("--summary", "--plan", "--buffers", "--programs", "--tensors")


class Dump(ToolTest):
    def setUp(self):
        super().setUp()
        self.artifact = self.compile(TINY, "--context=256")

    def dump(self, *options):
        return self.succeed("strata-dump", self.artifact, *options).out

    def testSummaryIsTheDefault(self):
        summary = self.dump()
        self.assertEqual(summary, self.dump("--summary"))
        for fact in ("deepseek2", "6 layers, 1 of them dense", "tiny.Q4_0.gguf: 6,196,608 bytes", "context 256",
                     "experts: 4 of 32, 1 shared, groups 4 of 8", "latent 128"):
            self.assertIn(fact, summary)

    def testSectionsComeInOrder(self):
        together = self.dump(*reversed(SECTIONS))
        self.assertEqual(together, "".join(self.dump(section) for section in SECTIONS))

    def testPlanIsThePlanDialect(self):
        self.assertIn("plan.dispatch", self.dump("--plan"))

    def testProgramsNameTheirOperands(self):
        programs = self.dump("--programs")
        for fact in ("The decode program", "The prompt program", "run moe_layer for layers 1 to 5", "blk.*.attn_norm.weight",
                     "attention_splits", "experts_down", "gate sigmoid, groups 4 of 8, experts used 4, scale 2.5, normalised"):
            self.assertIn(fact, programs)

    def testTensors(self):
        lines = self.dump("--tensors").splitlines()
        self.assertEqual(len(lines), 2 + 106)
        self.assertTrue(any("blk.3.ffn_gate_exps.weight" in line and "Q4_0" in line and "32x64x256" in line for line in lines))

    def testJson(self):
        data = json.loads(self.dump("--json"))
        self.assertEqual(data["model"]["layers"], 6)
        self.assertEqual(len(data["tensors"]), 106)
        self.assertEqual([program["phase"] for program in data["programs"]], ["decode", "prompt"])
        self.assertEqual(data["settings"]["context"], 256)
        self.assertEqual(list(data)[:3], ["compiler_version", "command_line", "model"])
        self.assertEqual(sum(row["tensors"] for row in data["prediction"]["classes"]), 106)
        self.assertEqual(len(data["model"]["fingerprint"]), 64)
        # Values lie inside their arenas at every setting.
        for program in data["programs"]:
            for value in program["values"]:
                sizes = data["arenas"][value["arena"]]["bytes"]
                self.assertTrue(all(offset < size for offset, size in zip(value["offsets"], sizes)), value)


class Tokenize(ToolTest):
    def tokenize(self, model, text):
        return [int(token) for token in self.succeed("strata-run", model, "--tokenize", stdin=text).out.split()]

    def testGoldenStringsThroughTheProcess(self):
        golden = json.loads((MODELS / "tokenizer.golden.json").read_text(encoding="utf-8"))
        for case in golden[::10]:
            self.assertEqual(self.tokenize(TINY, case["text"].encode()), case["tiny"], case["text"])

    def testArtifactAndModelAgree(self):
        text = "A fox.\n<｜User｜>\r\n\t".encode()
        tokens = self.tokenize(TINY, text)
        self.assertEqual(tokens, self.tokenize(self.compile(), text))
        self.assertNotEqual(tokens[0], 0)  # No BOS.

    def testBinaryInputToItsLastByte(self):
        every = bytes(range(256))
        whole = self.tokenize(TINY, every + b"\0\xff\n\n")
        # Bytes that are no character are tokens of their own; cutting the input's end off shows.
        self.assertGreater(len(whole), 128)
        self.assertNotEqual(whole, self.tokenize(TINY, every + b"\0\xff\n"))

    def testHeaderIsEnough(self):
        path = self.folder / "header.gguf"
        path.write_bytes(TINY.read_bytes()[:40000])
        self.assertEqual(self.tokenize(path, b"A fox."), self.tokenize(TINY, b"A fox."))


if __name__ == "__main__":
    unittest.main()
