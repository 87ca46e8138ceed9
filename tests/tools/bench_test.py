# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-bench: its tables, and what it refuses."""
import csv
import io
import json
import unittest

from strata_test import TINY, ToolTest

SIM = ["--kernels", "--device=sim"]


class Bench(ToolTest):
    def gpuArtifact(self, *options):
        artifact = self.folder / "gpu.strata"
        self.succeed("strata-compile", TINY, "-o", artifact, "--machine=v100s-32g", "--context=128", *options)
        return artifact

    def testSimulatedKernels(self):
        artifact = self.gpuArtifact()
        rows = json.loads(self.succeed("strata-bench", artifact, *SIM, "--tokens=2", "--output=json").out)
        again = csv.DictReader(io.StringIO(self.succeed("strata-bench", artifact, *SIM, "--tokens=2", "--output=csv").out))
        table = self.succeed("strata-bench", artifact, *SIM, "--tokens=2").out
        self.assertEqual({row["program"] for row in rows}, {"load", "prompt", "decode"})
        for row, other in zip(rows, again, strict=True):
            self.assertEqual(list(row), list(other))
            self.assertIn(row["kernel"], table)
            for key, value in row.items():
                if isinstance(value, str):
                    self.assertEqual(value, other[key])
                elif value is None:
                    self.assertEqual(other[key], "")
                else:
                    self.assertEqual(float(value), float(other[key]))
            classes = sum(value for key, value in row.items() if key.startswith("warp_") and key != "warp_instructions")
            self.assertEqual(classes, row["warp_instructions"])
            self.assertEqual((row["machine"], row["device"], row["model"]), ("v100s-32g", "sim", "tiny.Q4_0.gguf"))
            self.assertRegex(row["build_commit"], r"^([0-9a-f]{9,}(-dirty)?|unknown)$")
            self.assertGreater(row["launches"], 0)
            self.assertGreaterEqual(row["sectors_per_request"], 1)
            self.assertEqual(row["executed_ctas"], row["ctas"])
            # 2 us for every launch at the least, and never more than the memory gives.
            self.assertGreater(row["modelled_us"], 2 * row["launches"])
            self.assertTrue(row["bottleneck"])
            self.assertLess(0, row["hbm_percent"])
            self.assertLess(row["hbm_percent"], 98)
            self.assertLess(row["calibration_error_percent"], 15)
        # Layers share kernels: as many launches as there are layers, and none is counted twice.
        decode = [row for row in rows if row["program"] == "decode"]
        self.assertEqual([row["launches"] for row in decode if row["kernel"].startswith("embed")], [1])
        self.assertGreater(max(row["launches"] for row in decode), 1)

    def testASampleOfAProduct(self):
        artifact = self.gpuArtifact()
        rows = {}
        for most in ("0", "100000"):
            out = self.succeed("strata-bench", artifact, *SIM, "--output=json", f"--most-macs={most}").out
            rows[most] = {(row["program"], row["kernel"]): row for row in json.loads(out)}
        self.assertEqual(list(rows["0"]), list(rows["100000"]))
        sampled = set()
        for kernel, whole in rows["0"].items():
            sample = rows["100000"][kernel]
            self.assertEqual((sample["launches"], sample["ctas"]), (whole["launches"], whole["ctas"]))
            self.assertEqual(whole["executed_ctas"], whole["ctas"])
            if sample["executed_ctas"] < sample["ctas"]:
                sampled.add(kernel[1].split("_")[0])
            elif "matmul" in kernel[1].lower():  # What routers do depends on their numbers, and these are not whole now.
                self.assertEqual(sample["warp_instructions"], whole["warp_instructions"], kernel)
        self.assertIn("expertsPromptGateUp", sampled)  # 72 CTAs a launch.
        self.assertNotIn("expertsSort", sampled)  # The others need what it writes.

    def testNoCompilerOfKernels(self):
        result = self.succeed("strata-bench", self.gpuArtifact(), *SIM, "--tokens=1", "--output=json", f"--nvrtc={self.folder}")
        self.assertRegex(result.error, r"^strata-bench: note: .*not calibrated here: ")
        self.assertEqual({row["calibration_error_percent"] for row in json.loads(result.out)}, {None})
        self.refuse(3, "N01", "strata-bench", TINY, *SIM, f"--nvrtc={self.folder}")

    def testTableForPeople(self):
        lines = self.succeed("strata-bench", self.gpuArtifact(), *SIM, "--tokens=2").out.splitlines()
        self.assertRegex(lines[1], r"^\|[-:| ]+\|$")
        table = lines[:lines.index("")]
        self.assertEqual(len({len(line) for line in table}), 1)
        self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertIn("read at 25 % occupancy", "".join(lines))
        self.assertRegex(lines[-1], r"^build \S+, machine v100s-32g, model tiny\.Q4_0\.gguf, device sim$")

    def testRefusals(self):
        missing = self.folder / "missing.strata"
        for options in (["--kernels"], [*SIM, "--tokens=0"], [*SIM, "--tokens=-1"],
                        [*SIM, "--output=xml"], [*SIM, "--most-macs=-1"], [*SIM, "--sequences=0"], [*SIM, "--sequences=9"], [*SIM, "--context=0"]):
            self.refuse(2, "", "strata-bench", missing, *options)
        self.refuse(1, "", "strata-bench", missing, *SIM)
        self.refuse(3, "", "strata-bench", self.compile(), *SIM)
        self.refuse(1, "", "strata-bench", self.gpuArtifact(), *SIM, "--tokens=129")


if __name__ == "__main__":
    unittest.main()
