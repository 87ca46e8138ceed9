# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model compiled for a V100S, on the GPU that is simulated."""
import json
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
        prompt = ["-p", "A fox met an owl.", "--raw", "-n4", "--temperature=0", "--device=sim"]
        texts = {self.succeed("strata-run", self.compileFor("v100s-32g", *options), *prompt).out
                 for options in ([], ["--chunk-tokens=3"], ["--chunk-tokens=2", "--prompt-tokens=4"])}
        self.assertEqual(len(texts), 1)

    def testDevicesThatAreNotThere(self):
        gpu, host = self.compileFor("v100s-32g"), self.compileFor("host")
        self.assertIn("--device=sim", self.refuse(3, "", "strata-run", gpu, *FOX).error)
        self.refuse(3, "", "strata-run", gpu, *FOX, "--device=host")
        self.refuse(3, "", "strata-run", host, *FOX, "--device=sim")
        self.refuse(3, "", "strata-run", gpu, *FOX, "--device=sim", "--activations=f32")

    def testNoCompilerOfKernels(self):
        out = self.folder / "m.strata"
        self.refuse(3, "N01", "strata-compile", TINY, "-o", out, GPU, "--nvrtc", self.folder)
        self.assertFalse(out.exists())
        self.refuse(2, "", "strata-compile", TINY, "--machine=host", "--emit=cuda")

    def testKernelsAreShown(self):
        artifact = self.compileFor("v100s-32g")
        kernels = self.succeed("strata-dump", artifact, "--kernels").out
        for name in ("embed_0", "rmsNormQuantise_0", "rmsNormBoth_0", "matmulFew_0", "tensorAttentionSplits_0", "route_0", "expertsGateUp_0", "repack_0"):
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
