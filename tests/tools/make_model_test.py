# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make-model: its files load, do not depend on threads, and route tokens as they say: alike, or with the skew asked for."""
import math
import random
import re
import signal
import struct
import subprocess
import time
import unittest

from strata_test import BIN, ToolTest

from gguf_edit import Gguf

SMALL = ["--like=deepseek-v3.1-small", "--layers=1+1", "--vocab=512"]
WIDTH, EXPERTS, TOKENS = 256, 256, 75


def instead(*options):
    """What of SMALL these options do not replace."""
    given = {option.split("=")[0] for option in options}
    return [option for option in SMALL if option.split("=")[0] not in given]


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


def uses_by_rank(experts, used, exponent):
    """The stated law: in proportion to 1 / rank^exponent, at most 1, `used` in sum."""
    weights = [rank ** -exponent for rank in range(1, experts + 1)]
    always = 0  # So many are used by every token.
    while always < used and (used - always) * weights[always] >= sum(weights[always:]):
        always += 1
    rest = (used - always) / sum(weights[always:])
    return [1.0 if rank < always else rest * weights[rank] for rank in range(experts)]


def choices_of(trace):
    """By layer, the experts of each token of a trace (docs/routing-traces.md)."""
    data = trace.read_bytes()
    layers, experts, used = struct.unpack("<3I", data[16:28])
    assert experts <= 256
    result, at = [[] for _ in range(layers)], 64
    while at < len(data) - 8:
        (tokens,) = struct.unpack("<I", data[at + 12:at + 16])
        at += 16
        for first in range(at, at + tokens * layers * used, used):
            result[(first - at) // used % layers].append(list(data[first:first + used]))
        at += tokens * layers * used
    return result


class MakeModel(ToolTest):
    def make(self, *options, name="m.gguf"):
        path = self.folder / name
        self.succeed("make-model", *instead(*options), *options, "-o", path)
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

    def routed(self, *options):
        """A model, and by layer what many tokens choose there: texts end, and each is another."""
        model = self.make("--layers=1+2", *options)
        artifact = self.compile(model, "--context=1024")
        layers = [[], []]
        for seed in range(1, 30):
            trace = self.folder / "x.trace"
            self.succeed("strata-run", artifact, "--tokens=10,20,30", "-n", "600", "--temperature=1", f"--seed={seed}",
                         "--no-usage", f"--trace={trace}")
            for layer, choices in zip(layers, choices_of(trace)):
                layer += choices
            if len(layers[0]) >= 500:
                break
        self.assertGreaterEqual(len(layers[0]), 500)
        return model, layers

    def checkSkew(self, exponent, *options):
        model, layers = self.routed(f"--skew={exponent}", *options)
        orders = []
        for layer, choices in enumerate(layers, 1):
            data = self.data(model, f"blk.{layer}.exp_probs_b.bias")
            bias = struct.unpack(f"<{len(data) // 4}f", data)
            self.assertGreaterEqual(min(bias), 0)
            # What is used more has the larger bias.
            order = sorted(range(len(bias)), key=lambda expert: -bias[expert])
            orders.append(order)
            expected = uses_by_rank(len(bias), 8, exponent)
            for part in (16, 8, 4, 2):
                most = set(order[:len(bias) // part])
                share = sum(expert in most for token in choices for expert in token) / (8 * len(choices))
                self.assertAlmostEqual(share, sum(expected[:len(most)]) / 8, delta=0.05, msg=f"layer {layer}, 1/{part}")
        self.assertNotEqual(*orders)

    def testTheSkewIsWhatHappens(self):
        self.checkSkew(1.0)

    def testTheSkewIsWhatHappensInSmallGroups(self):
        self.checkSkew(1.2, "--experts=64")

    def testWithoutASkewExpertsAreUsedAlike(self):
        _, layers = self.routed()
        for choices in layers:
            self.assertGreaterEqual(len({expert for token in choices[:TOKENS] for expert in token}), 200)
            counts = [sum(expert in token for token in choices) / len(choices) for expert in range(EXPERTS)]
            self.assertLess(sum(sorted(counts)[-EXPERTS // 8:]) / 8, 0.26)  # One eighth, if each were used equally often.

    def testTheSkewIsPrinted(self):
        text = self.succeed("make-model", *SMALL, "--experts=64", "--skew=1", "-o", self.folder / "m.gguf").out
        self.assertIn("in proportion to 1 / r^1;", text)
        self.assertLess(float(re.search(r"([0-9.]+) % of the choices are others", text)[1]), 2)
        expected = uses_by_rank(64, 8, 1)
        rows = re.findall(r"a layer's 1/(\d+) +(\d+) +([0-9.]+) % +([0-9.]+) %", text)
        self.assertEqual([int(row[1]) for row in rows], [4, 8, 16, 32])
        for _, slots, pinned, lru in rows:
            self.assertAlmostEqual(float(pinned), 100 * sum(expected[:int(slots)]) / 8, delta=2)
            self.assertLess(float(lru), float(pinned))
        self.assertEqual(self.succeed("make-model", *SMALL, "--experts=16", "-o", self.folder / "m.gguf").out, "")

    def testTheSkewDependsOnTheSeedAlone(self):
        one = self.make("--experts=32", "--skew=1", "--threads=1", name="one").read_bytes()
        self.assertEqual(one, self.make("--experts=32", "--skew=1", "--threads=3", name="three").read_bytes())
        flat = self.make("--experts=32", name="flat").read_bytes()
        self.assertEqual(len(one), len(flat))
        differ = [at for at in range(len(one)) if one[at] != flat[at]]
        self.assertLess(differ[-1] - differ[0], 32 * 4)  # One layer's biases.

    def testASparseFileHasHolesForExperts(self):
        whole, sparse = self.make(name="whole"), self.make("--sparse", name="sparse")
        self.assertEqual(whole.stat().st_size, sparse.stat().st_size)
        taken, full = sparse.stat().st_blocks * 512, whole.stat().st_blocks * 512
        experts = sum(tensor.size() for tensor in Gguf(whole).tensors if b"_exps." in tensor.name)
        self.assertGreater(experts, 4 << 20)
        self.assertLess(taken, full - experts + (1 << 20))
        for tensor in Gguf(whole).tensors:
            name = tensor.name.decode()
            data = self.data(sparse, name)
            self.assertEqual(data, bytes(len(data)) if "_exps." in name else self.data(whole, name), name)
        # It loads and plans.
        artifact = self.compile(sparse)
        self.succeed("strata-run", artifact, "--tokens=10,20", "-n", "2", "--temperature=0")

    def testASparseFileIsNotMeasured(self):
        sparse = self.make("--layers=0+6", "--sparse")
        self.assertGreater(sparse.stat().st_size, 32 << 20)
        result = self.refuse(1, None, "strata-probe", f"--disk={sparse}", "-o", self.folder / "machine.json")
        self.assertIn("has holes", result.error)

    def testCtrlCLeavesNothing(self):
        command = [BIN / "make-model", "--like=deepseek-v3.1", "--layers=1+1", "--vocab=512", "-o", self.folder / "m.gguf"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 30
            while not any(path.stat().st_size for path in self.folder.iterdir()) and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            error = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, error)
        self.assertIn("nothing is left", error)
        self.assertEqual(list(self.folder.iterdir()), [])

    def testRefusals(self):
        path = self.folder / "m.gguf"
        for option in ("--layers=3", "--layers=1+0", "--layers=-1+2", "--experts=0", "--vocab=10", "--threads=0", "--like=x",
                       "--skew=-1", "--skew=1.6", "--skew=nan", "--skew=x"):
            self.refuse(2, None, "make-model", *instead(option), option, "-o", path)
        # 60 terabytes.
        result = self.refuse(3, None, "make-model", "--like=deepseek-v3.1", "--layers=0+1000", "--experts=4096", "-o", path)
        self.assertIn("make room", result.error)
        self.assertEqual(len(re.findall(r"\d+ bytes|\(\d+\) left", result.error)), 2, result.error)
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
