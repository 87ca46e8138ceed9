# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model compiled for a V100S, on the GPU that is simulated."""
import json
import os
import re
import shutil
import unittest

from strata_test import MODELS, TINY, ToolTest, run

FOX = ["-p", "Tell me a story about a fox.", "--temperature=0", "-n12"]
GPU = "--machine=v100s-32g"


class SimulatedGpu(ToolTest):
    def compileFor(self, machine, *options, model=TINY):
        artifact = self.folder / f"{machine}.strata"
        self.succeed("strata-compile", model, "-o", artifact, f"--machine={machine}", "--context=256", *options)
        return artifact

    def goldenCase(self, name, number, positions):
        """A golden file with one case, and of its rows those up to a position."""
        golden = json.loads((MODELS / f"{name}.json").read_text())
        case = golden["cases"][number]
        case["rows"] = [row for row in case["rows"] if row[0] < positions]
        length = max(0, positions - len(case["prompt"]))
        case["greedy"], case["greedy_gap"] = case["greedy"][:length], case["greedy_gap"][:length]
        golden["cases"] = [case]
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(golden))
        shutil.copy(MODELS / f"{name}.logits.npy", self.folder)
        return path

    def expect(self, artifact, golden, *options):
        """Of both forms: the normalised error. Where the choice is clear, by 0.1 or more, the greedy tokens are the golden ones."""
        result = run("strata-run", artifact, "--expect", golden, "--tolerance=0.1", *options)
        self.assertIn(result.code, (0, 4), result.error)  # 4: a logit is further off than 0.1.
        rows = [line.split() for line in result.out.splitlines() if "/" in line]
        self.assertEqual([row[1] for row in rows], ["prompt", "decode"])
        for row in rows:
            equal, clear = map(int, row[-1].split("/"))
            self.assertGreater(clear, 0)
            self.assertEqual(equal, clear, row)
        return {row[1]: float(row[4]) for row in rows}

    def testAStory(self):
        text = self.succeed("strata-run", self.compileFor("v100s-32g"), *FOX, "--device=sim").out
        self.assertEqual(text, self.succeed("strata-run", self.compileFor("host"), *FOX).out)

    def testGoldenLogits(self):
        """The kernels lose no more than the host's: 1.5 times its error, and 1e-6."""
        for name, positions, activations in (
            ("tiny.Q4_0", 33, "i16"),  # All 32 greedy tokens of the case.
            ("tiny.Q4_0", 12, "i8"),
            ("router256.Q4_0", 9, "i16"),
        ):
            golden, model = self.goldenCase(name, 0, positions), MODELS / f"{name}.gguf"
            option = f"--activations={activations}"
            gpu = self.expect(self.compileFor("v100s-32g", option, model=model), golden, "--device=sim")
            host = self.expect(self.compileFor("host", option, model=model), golden)
            for form in ("prompt", "decode"):
                self.assertLess(gpu[form], 1.5 * host[form] + 1e-6, (name, activations, form))

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
