# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make-model: its files load, do not depend on threads, and route tokens to nearly as many experts as real models."""
import math
import random
import struct
import subprocess
import unittest

from strata_test import BIN, ToolTest

from gguf_edit import Gguf

SMALL = ["--like=deepseek-v3.1-small", "--layers=1+1", "--vocab=512"]
WIDTH, EXPERTS, TOKENS = 256, 256, 75


def q4_0(data):
    """The values of Q4_0 blocks."""
    values = []
    for at in range(0, len(data), 18):
        (scale,) = struct.unpack_from("<e", data, at)
        nibbles = data[at + 2:at + 18]
        values += [((byte & 15) - 8) * scale for byte in nibbles] + [((byte >> 4) - 8) * scale for byte in nibbles]
    return values


def deviation(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def route(scores, bias):
    """The 8 chosen of 256 experts in 8 groups, of which 4 may be used."""
    biased = [1 / (1 + math.exp(-score)) + add for score, add in zip(scores, bias)]
    groups = [biased[at:at + 32] for at in range(0, EXPERTS, 32)]
    best = sorted(range(8), key=lambda group: -sum(sorted(groups[group])[-2:]))[:4]
    allowed = [expert for expert in range(EXPERTS) if expert // 32 in best]
    return sorted(allowed, key=lambda expert: -biased[expert])[:8]


class MakeModel(ToolTest):
    def make(self, *options, name="m.gguf"):
        path = self.folder / name
        self.succeed("make-model", *SMALL, "-o", path, *options)
        return path

    def data(self, path, name, size=None):
        """The bytes of a tensor, or its first ones."""
        gguf = Gguf(path)
        tensor = gguf.tensor(name.encode())
        start = (len(gguf.header()) + 31) // 32 * 32
        whole = path.read_bytes()[start + tensor.offset:]
        return whole[:tensor.size() if size is None else size]

    def testTheFileRuns(self):
        artifact = self.compile(self.make("--experts=16"))
        one = self.succeed("strata-run", artifact, "-p", "ab cd", "-n", "4", "--temperature=0")
        self.assertTrue(one.out)

    def testEqualSeedsGiveEqualFiles(self):
        one = self.make("--experts=16", "--threads=1", name="one").read_bytes()
        self.assertEqual(one, self.make("--experts=16", "--threads=3", name="three").read_bytes())
        other = self.make("--experts=16", "--seed=2", name="other").read_bytes()
        self.assertEqual(len(one), len(other))
        self.assertNotEqual(one, other)

    def testWeightsHaveTheirDeviationAndNoMean(self):
        path = self.make("--experts=16")
        for name, inputs in (("token_embd.weight", 1), ("blk.1.ffn_up_exps.weight", WIDTH), ("blk.0.attn_v_b.weight", 512)):
            mean, spread = deviation(q4_0(self.data(path, name, 18 * 2000)))
            self.assertAlmostEqual(spread * math.sqrt(inputs), 1, delta=0.08, msg=name)
            self.assertLess(abs(mean), 0.03 * spread, name)

    def testRoutingIsAlive(self):
        # The router's choice for the embeddings of 75 tokens: the part of the residual stream that tokens don't share.
        path = self.make(f"--experts={EXPERTS}")
        values = struct.unpack(f"<{WIDTH * EXPERTS}f", self.data(path, "blk.1.ffn_gate_inp.weight"))
        bias = struct.unpack(f"<{EXPERTS}f", self.data(path, "blk.1.exp_probs_b.bias"))
        rows = [values[at:at + WIDTH] for at in range(0, len(values), WIDTH)]
        embeddings = q4_0(self.data(path, "token_embd.weight"))
        used = set()
        for token in random.Random(1).sample(range(512), TOKENS):
            x = embeddings[token * WIDTH:(token + 1) * WIDTH]
            size = math.sqrt(sum(value * value for value in x) / WIDTH)
            used |= set(route([sum(a * b for a, b in zip(row, x)) / size for row in rows], bias))
        self.assertGreaterEqual(len(used), 215)
        self.assertLess(len(used), EXPERTS, "choices as even as this are not random")

    def testRefusals(self):
        path = self.folder / "m.gguf"
        for option in ("--layers=3", "--layers=1+0", "--layers=-1+2", "--experts=0", "--vocab=10", "--threads=0", "--like=x"):
            arguments = [argument for argument in SMALL if argument.split("=")[0] != option.split("=")[0]]
            self.refuse(2, None, "make-model", *arguments, option, "-o", path)
        # 60 terabytes.
        result = self.refuse(3, None, "make-model", "--like=deepseek-v3.1", "--layers=0+1000", "--experts=4096", "-o", path)
        self.assertIn("make room", result.error)
        self.refuse(3, None, "make-model", *SMALL, "-o", self.folder / "absent" / "m.gguf")
        self.assertEqual(list(self.folder.iterdir()), [])

    def testALeftoverIsNoModel(self):
        # A file-size limit stands for a full disk: the write fails on the way.
        path = self.folder / "m.gguf"
        limited = 'trap "" XFSZ; ulimit -f 64; exec "$@"'
        done = subprocess.run(["bash", "-c", limited, "-", str(BIN / "make-model"), *SMALL, "--experts=16", "-o", str(path)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("cannot be written", done.stderr)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
