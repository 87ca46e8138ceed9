# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""DeepSeek V3.1 at Q4_0, all 1086 tensors of it: compiled from its header, and what its plan says."""
import json
import os
import re
import subprocess
import unittest

from strata_test import BIN, DERIVED_MODELS, ToolTest

HEADER = DERIVED_MODELS / "deepseek-v3.1-q4_0.header.gguf"
SPARSE = DERIVED_MODELS / "deepseek-v3.1-q4_0.sparse.gguf"

# Class: tensors, parameters, bytes. The sums of the published tensor list.
CLASSES = {
    "routed experts": (174, 653_908_770_816, 367_823_683_584),
    "attention": (366, 11_413_422_080, 6_420_049_920),
    "shared experts": (174, 2_554_331_136, 1_436_811_264),
    "dense FFN": (9, 1_189_085_184, 668_860_416),
    "router": (116, 106_445_312, 425_781_248),
    "token embedding": (1, 926_679_040, 521_256_960),
    "output": (1, 926_679_040, 760_166_400),
    "norms": (245, 1_006_592, 4_026_368),
}
TOTAL = 378_060_636_160
EXPERT = 24_772_608
PER_TOKEN = 21_210_189_760
KV_PER_POSITION = {"f16": 70_272, "f32": 140_544}


class RealModel(ToolTest):
    def plan(self, model=HEADER, *options):
        """Compiles and returns the artifact as strata-dump reads it back."""
        self.artifact = self.folder / "v31.strata"
        self.succeed("strata-compile", model, "-o", self.artifact, "--machine=host", *options)
        return json.loads(self.succeed("strata-dump", self.artifact, "--json").out)

    def testItCompilesInFiveSecondsAnd400MiB(self):
        command = [BIN / "strata-compile", HEADER, "-o", self.folder / "v31.strata", "--machine=host", "--header-only"]
        with open(os.devnull, "wb") as nowhere:
            process = subprocess.Popen(command, stdout=nowhere)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        # The machine may be busy with other tests: processor time counts, not the clock.
        self.assertLess(usage.ru_utime + usage.ru_stime, 5)
        self.assertLess(usage.ru_maxrss, 400 * 1024)  # KiB.

    def testWeightsToTheByte(self):
        data = self.plan(HEADER, "--header-only")
        prediction = data["prediction"]
        classes = {row["name"]: (row["tensors"], row["parameters"], row["bytes"]) for row in prediction["classes"]}
        self.assertEqual(classes, CLASSES)
        self.assertEqual(prediction["weight_bytes"], TOTAL)
        self.assertEqual(prediction["expert_bytes"], EXPERT)
        self.assertEqual(prediction["bytes_per_token"], PER_TOKEN)
        # The tensor table says the same, tensor by tensor.
        self.assertEqual(len(data["tensors"]), 1086)
        self.assertEqual(sum(tensor["bytes"] for tensor in data["tensors"]), TOTAL)
        self.assertEqual({tensor["tier"] for tensor in data["tensors"] if "_exps." not in tensor["name"]}, {"ram"})
        one = next(tensor for tensor in data["tensors"] if tensor["name"] == "blk.7.ffn_gate_exps.weight")
        self.assertEqual((one["dimensions"], one["encoding"], one["bytes"]), ([256, 2048, 7168], "Q4_0", 256 * 8_257_536))

    def testCacheToTheByte(self):
        for kv, context in (("f16", 4096), ("f16", 32768), ("f16", 163840), ("f32", 32768)):
            data = self.plan(HEADER, "--header-only", f"--context={context}", f"--kv={kv}")
            self.assertEqual(data["prediction"]["kv_bytes_per_token"], KV_PER_POSITION[kv])
            cache = [arena for arena in data["arenas"] if arena["kind"] == "kv"]
            self.assertEqual(len(cache), 1)
            at = list(KV_PER_POSITION).index(kv)
            self.assertEqual(cache[0]["bytes"][at] if len(cache[0]["bytes"]) > 1 else cache[0]["bytes"][0],
                             context * KV_PER_POSITION[kv])

    def testArenasWasteLittle(self):
        for options in ([], ["--context=4096", "--sequences=4"], ["--chunk-tokens=64"], ["--activations=f32"]):
            for arena in self.plan(HEADER, "--header-only", *options)["arenas"]:
                for size, live in zip(arena["bytes"], arena["live_bytes"]):
                    self.assertLessEqual(size - live, 0.05 * size, (options, arena))

    def testEqualLayersShareABlock(self):
        data = self.plan(HEADER, "--header-only")
        for program in data["programs"]:
            layered = [(run["first_layer"], run["layers"]) for run in program["runs"] if run["per_layer"]]
            self.assertEqual(layered, [(0, 3), (3, 58)])

    def testSparseFileOfTheTrueSize(self):
        # Compiled without --header-only: the file is whole, as far as its size says.
        self.assertEqual(os.path.getsize(SPARSE), 378_065_943_584)
        whole, header = self.plan(SPARSE), self.plan(HEADER, "--header-only")
        self.assertEqual(whole["tensors"], header["tensors"])
        self.assertEqual(whole["programs"], header["programs"])
        self.assertEqual(whole["model"]["fingerprint"], header["model"]["fingerprint"])

    def testACutFileNeedsHeaderOnly(self):
        result = self.refuse(1, "G35", "strata-compile", HEADER, "-o", self.folder / "v31.strata", "--machine=host")
        self.assertIn("--header-only", result.error)

    def testWhatDoesNotFitIsRefusedOrOnTheDisk(self):
        machine = self.folder / "small.json"
        machine.write_text(json.dumps({"name": "small", "cores": 2, "ram": "40GiB"}))  # And no disk to read experts from.
        artifact = self.folder / "v31.strata"
        refused = self.refuse(3, "", "strata-compile", SPARSE, "-o", artifact, f"--machine={machine}")
        self.assertRegex(refused.error, r"short by [\d,]+ B")
        self.assertFalse(artifact.exists())
        self.succeed("strata-compile", SPARSE, "-o", artifact, "--machine=host", "--ram=300GiB")
        self.refuse(3, "F16", "strata-run", artifact, "--tokens=0", "-n1")

    def testTheModuleDoesNotGrowWithTheLayers(self):
        text = self.succeed("strata-compile", HEADER, "--machine=host", "--header-only", "--emit=moe").out
        self.assertEqual(len(re.findall(r"^  moe\.block ", text, re.MULTILINE)), 2)


if __name__ == "__main__":
    unittest.main()
