# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-verify and the checks of strata-run: every byte of weight is checked, and what differs is named."""
import hashlib
import os
import shutil
import signal
import subprocess
import time
import unittest

from gguf_edit import Gguf
from strata_test import BIN, MODELS, TINY, ToolTest, run


def flip(path, offset, bits=0x10):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bits]))


def place(path, name):
    """Where a tensor begins in its file, and what it is."""
    gguf = Gguf(path)
    start = (len(gguf.header()) + 31) // 32 * 32
    tensor = gguf.tensor(name)
    return start + tensor.offset, tensor


class Verify(ToolTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "tiny.gguf"
        shutil.copy(TINY, self.model)
        self.sums = self.folder / "tiny.gguf.sums"

    def testWritesThenAgrees(self):
        digest = hashlib.sha256(self.model.read_bytes()).hexdigest()
        first = self.succeed("strata-verify", self.model)
        self.assertIn(f"{digest}  tiny.gguf", first.out)
        self.assertIn("written to", first.out)
        second = self.succeed("strata-verify", self.model)
        self.assertIn(f"{digest}  tiny.gguf", second.out)
        self.assertIn("agree with", second.out)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["tiny.gguf", "tiny.gguf.sums"])

    def testSameSumsHoweverTheFilesAreRead(self):
        first = self.succeed("strata-verify", self.model)
        self.assertRegex(first.error, r"strata-verify: reading with .* reads")
        sums = self.sums.read_bytes()
        for options, described in ((("--reads=buffered",), "threads with buffered reads, whose pages are given back, 16 at a time"),
                                   (("--reads=buffered", "--read-depth=1"), "threads with buffered reads, whose pages are given back, 1 at a time"),
                                   (("--reads=auto", "--read-depth=200"), "200 ")):
            again = self.succeed("strata-verify", self.model, "--rewrite", *options)
            self.assertIn(f"reading with {described}", again.error.replace("io_uring with direct reads, 200", "200 "))
            self.assertEqual(first.out, again.out)
            self.assertEqual(sums, self.sums.read_bytes())
        for name in ("uring", "pool"):
            result = run("strata-verify", self.model, f"--reads={name}")
            self.assertIn(result.code, (0, 3), result.error)
            if result.code == 3:
                self.assertRegex(result.error, r"\[F1[12]\]")
        for bad in ("--reads=mmap", "--read-depth=0"):
            self.refuse(2, "", "strata-verify", self.model, bad)

    def testF05_EveryDamageIsFoundAndNamed(self):
        self.succeed("strata-verify", self.model)
        names = [tensor.name.decode() for tensor in Gguf(self.model).tensors]
        for name in names:
            offset, tensor = place(self.model, name.encode())
            at = offset + tensor.size() - 1
            flip(self.model, at)
            refused = self.refuse(1, "F05", "strata-verify", self.model)
            self.assertIn(f'tensor "{name}"', refused.error)
            if "_exps" in name:
                self.assertIn(f"expert {tensor.dimensions[2] - 1} ", refused.error)
                self.assertIn(f"byte {offset + tensor.size() // tensor.dimensions[2] * (tensor.dimensions[2] - 1)}:",
                              refused.error)
            self.assertIn("1 of ", refused.out)
            flip(self.model, at)
        self.succeed("strata-verify", self.model)

    def testG49_NonFiniteScale(self):
        name = "blk.1.ffn_up_exps.weight"
        offset, _ = place(self.model, name.encode())
        with open(self.model, "r+b") as file:
            file.seek(offset + 3 * 18)
            file.write(b"\x00\x7c")
        refused = self.refuse(1, "G49", "strata-verify", self.model)
        self.assertIn(f'tensor "{name}", block 3', refused.error)
        self.assertIn(f"byte {offset + 3 * 18}:", refused.error)
        self.assertTrue(self.sums.exists())

    def testDamagedSumsAreRefused(self):
        self.succeed("strata-verify", self.model)
        size = self.sums.stat().st_size
        for offset in [0, 10, 40, 70, size // 2, size - 1]:
            flip(self.sums, offset)
            refused = run("strata-verify", self.model)
            self.assertEqual(refused.code, 1, offset)
            self.assertRegex(refused.error, r"\[S0[12]\]")
            flip(self.sums, offset)
        os.truncate(self.sums, size - 1)
        self.refuse(1, "S01", "strata-verify", self.model)
        self.succeed("strata-verify", self.model, "--rewrite")
        self.succeed("strata-verify", self.model)

    def testS03_SumsOfAnotherModel(self):
        other = self.folder / "router256.gguf"
        shutil.copy(MODELS / "router256.Q4_0.gguf", other)
        self.succeed("strata-verify", other)
        self.refuse(1, "S03", "strata-verify", self.model, f"--sums={other}.sums")

    def testSplitSet(self):
        parts = []
        for number in (1, 2, 3):
            part = self.folder / f"tiny-0000{number}-of-00003.gguf"
            shutil.copy(MODELS / part.name, part)
            parts.append(part)
        out = self.succeed("strata-verify", parts[0]).out
        for part in parts:
            self.assertIn(f"{hashlib.sha256(part.read_bytes()).hexdigest()}  {part.name}", out)
        flip(parts[2], parts[2].stat().st_size - 1)
        refused = self.refuse(1, "F05", "strata-verify", parts[0])
        self.assertIn("(file 3 of 3)", refused.error)

    def testArtifact(self):
        artifact = self.compile(self.model)
        self.succeed("strata-verify", artifact)
        self.assertTrue(self.sums.exists())

    def testInterruptedAndResumed(self):
        # A model of one large tensor would be read in one stretch: this one has holes, and 2 GB of them.
        gguf = Gguf(TINY)
        model = self.folder / "large.gguf"
        gguf.write(model)
        os.truncate(model, 3 << 30)
        process = subprocess.Popen([BIN / "strata-verify", model], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, error)
        self.assertTrue((self.folder / "large.gguf.sums.partial").exists())
        self.assertFalse((self.folder / "large.gguf.sums").exists())
        os.truncate(model, 1 << 24)  # Another length: what was done counts no more.
        again = self.succeed("strata-verify", model)
        self.assertIn("starting over", again.error)
        self.assertIn(hashlib.sha256(model.read_bytes()).hexdigest(), again.out)
        self.assertFalse((self.folder / "large.gguf.sums.partial").exists())


class Run(ToolTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "tiny.gguf"
        shutil.copy(TINY, self.model)
        self.artifact = self.compile(self.model)

    def generate(self, *options):
        return ("strata-run", self.artifact, "--tokens=1,2,3", "-n", "2", "--temperature=0", *options)

    def testUnverifiedIsSaid(self):
        self.assertIn("weights unverified: run strata-verify", self.succeed(*self.generate()).error)
        self.refuse(1, "S05", *self.generate("--require-sums"))

    def testVerified(self):
        plain = self.succeed(*self.generate()).out
        self.succeed("strata-verify", self.model)
        checked = self.succeed(*self.generate("--require-sums"))
        self.assertNotIn("unverified", checked.error)
        self.assertEqual(plain, checked.out)

    def testF05_DamageIsRefusedAtLoad(self):
        self.succeed("strata-verify", self.model)
        for name in ("output.weight", "blk.1.ffn_down_exps.weight", "output_norm.weight"):
            offset, tensor = place(self.model, name.encode())
            flip(self.model, offset + tensor.size() // 2)
            refused = self.refuse(1, "F05", *self.generate())
            self.assertIn(f'tensor "{name}"', refused.error)
            self.assertIn("tiny.gguf", refused.error)
            flip(self.model, offset + tensor.size() // 2)
        self.succeed(*self.generate())


if __name__ == "__main__":
    unittest.main()
