# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of models on the simulated GPU share."""
import json
import shutil

from strata_test import MODELS, TINY, ToolTest, run


class SimulatedGpuTest(ToolTest):
    def compileFor(self, machine, *options, model=TINY):
        artifact = self.folder / f"{machine}.strata"
        context = [] if any(str(option).startswith("--context=") for option in options) else ["--context=256"]
        self.succeed("strata-compile", model, "-o", artifact, f"--machine={machine}", *context, *options)
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

    def assertAsGoodAsTheHost(self, name, number, steps, activations):
        """The kernels lose no more than the host's: 1.5 times its error, and 1e-6."""
        positions = len(json.loads((MODELS / f"{name}.json").read_text())["cases"][number]["prompt"]) + steps
        golden, model = self.goldenCase(name, number, positions), MODELS / f"{name}.gguf"
        options = [f"--activations={activations}", "--context=1024"]
        gpu = self.expect(self.compileFor("v100s-32g", *options, model=model), golden, "--device=sim")
        host = self.expect(self.compileFor("host", *options, model=model), golden)
        for form in ("prompt", "decode"):
            self.assertLess(gpu[form], 1.5 * host[form] + 1e-6, (name, number, activations, form))
