# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model compiled for a V100S, on the GPU that is simulated."""
import json
import os
import re
import unittest

from simulated_gpu import SimulatedGpuTest
from strata_test import TINY

FOX = ["-p", "Tell me a story about a fox.", "--temperature=0", "-n12"]
GPU = "--machine=v100s-32g"


class SimulatedGpu(SimulatedGpuTest):
    def testAStory(self):
        text = self.succeed("strata-run", self.compileFor("v100s-32g"), *FOX, "--device=sim").out
        self.assertEqual(text, self.succeed("strata-run", self.compileFor("host"), *FOX).out)

    def testGoldenLogits(self):
        for name, number, steps, activations in (
            ("tiny.Q4_0", 0, 32, "i16"),  # All greedy tokens of the case.
            ("tiny.Q4_0", 0, 11, "i8"),
            ("tiny.Q4_0", 1, 8, "i16"),
            ("tiny.Q4_0", 2, 8, "i16"),
            ("router256.Q4_0", 0, 8, "i16"),
            ("router256.Q4_0", 1, 8, "i16"),
        ):
            with self.subTest(name=name, case=number, activations=activations):
                self.assertAsGoodAsTheHost(name, number, steps, activations)

    def testChunksChangeNothing(self):
        golden = self.goldenCase("tiny.Q4_0", 0, 8)
        digests = [self.bits(self.compileFor("v100s-32g", *options), golden)
                   for options in ([], ["--chunk-tokens=3"], ["--chunk-tokens=2", "--prompt-tokens=4"])]
        self.assertEqual(digests, digests[:1] * 3)

    def testDevicesThatAreNotThere(self):
        gpu, host = self.compileFor("v100s-32g"), self.compileFor("host")
        self.assertIn("--device=sim", self.refuse(3, "", "strata-run", gpu, *FOX).error)
        self.refuse(3, "", "strata-run", gpu, *FOX, "--device=host")
        self.refuse(3, "", "strata-run", host, *FOX, "--device=sim")
        self.refuse(3, "", "strata-run", gpu, *FOX, "--device=sim", "--activations=f32")

    def testCompiledWhereItRuns(self):
        artifact = self.compileFor("v100s-32g")
        run = ["strata-run", artifact, "-p", "A fox met an owl.", "--raw", "-n3", "--temperature=0", "--device=sim"]
        cache = self.folder / "cache"
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
        first = self.succeed(*run, "--jit", env=environment)
        self.assertRegex(first.error, r"note: \d+ kernels compiled here with NVRTC 12\.\d+, 0 of them from the cache")
        self.assertTrue(any(path.is_file() for path in cache.rglob("*")))
        self.assertEqual(first.out, self.succeed(*run).out)
        again = self.succeed(*run, "--jit", env=environment)
        self.assertNotIn(" 0 of them", again.error)
        self.assertEqual(first.out, again.out)
        self.refuse(3, "N01", *run, "--jit", "--nvrtc", self.folder)
        self.refuse(2, "", *run, "--nvrtc", self.folder)
        self.refuse(2, "", *[word for word in run if word != "--device=sim"], "--jit")

    def bits(self, artifact, golden, *options):
        """The digests of the logits in both forms."""
        out = self.succeed("strata-run", artifact, "--expect", golden, "--device=sim", *options).out
        digests = re.findall(r" ([0-9a-f]{16}) ", out)
        self.assertEqual(len(digests), 2, out)
        return digests

    def testEveryScheduleGivesTheSameBits(self):
        artifact, golden = self.compileFor("v100s-32g"), self.goldenCase("tiny.Q4_0", 0, 8)
        digests = [self.bits(artifact, golden, f"--simulator-seed={seed}") for seed in (0, 1, 7919)]
        self.assertEqual(digests, digests[:1] * 3)
        self.refuse(2, "", "strata-run", artifact, "--expect", golden, "--device=sim", "--simulator-seed=-1")

    def testNoCompilerOfKernels(self):
        out = self.folder / "m.strata"
        self.refuse(3, "N01", "strata-compile", TINY, "-o", out, GPU, "--nvrtc", self.folder)
        self.assertFalse(out.exists())
        self.refuse(2, "", "strata-compile", TINY, "--machine=host", "--emit=cuda")

    def testKernelsAreShown(self):
        artifact = self.compileFor("v100s-32g")
        kernels = self.succeed("strata-dump", artifact, "--kernels").out
        for name in ("embed_Q4_0_1024x256", "rmsNormQuantise_", "rmsNormBoth_", "matmulFew_Q4_0_I16_", "tensorAttentionSplits_", "route_", "expertsGateUp_Q4_0_",
                     "expertsDown_Q4_0_", "repack_Q4_0_1024x256"):
            self.assertIn(name, kernels)
        self.assertIn('extern "C" __global__', self.succeed("strata-dump", artifact, "--source").out)
        self.assertIn(".target sm_70", self.succeed("strata-dump", artifact, "--ptx").out)
        data = json.loads(self.succeed("strata-dump", artifact, "--json").out)
        for kernel in data["kernels"]:
            self.assertGreater(kernel["registers"], 0, kernel)
            self.assertEqual(kernel["stack_bytes"], 0, kernel)  # No spills.
        self.assertEqual({arena["tier"] for arena in data["arenas"]}, {"gpu"})

    def testTextOfKernels(self):
        cuda = self.succeed("strata-compile", TINY, GPU, "--emit=cuda").out
        units = re.findall(r"^// ==== (\w+)\.cu$", cuda, re.MULTILINE)
        self.assertEqual(len(units), len(set(units)))
        self.assertGreater(len(units), 30)
        kern = self.succeed("strata-compile", TINY, GPU, "--emit=kern").out
        self.assertEqual(sorted(units), sorted(re.findall(r"kern\.func @(\w+)", kern)))


if __name__ == "__main__":
    unittest.main()
