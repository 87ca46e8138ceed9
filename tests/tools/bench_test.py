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
        rows = json.loads(self.succeed("strata-bench", artifact, *SIM, "--tokens=5", "--output=json").out)
        again = csv.DictReader(io.StringIO(self.succeed("strata-bench", artifact, *SIM, "--tokens=5", "--output=csv").out))
        table = self.succeed("strata-bench", artifact, *SIM, "--tokens=5").out
        self.assertEqual({row["program"] for row in rows}, {"load", "prompt", "decode"})
        for row, other in zip(rows, again, strict=True):
            self.assertEqual(list(row), list(other))
            self.assertIn(row["kernel"], table)
            for key, value in row.items():
                if isinstance(value, str):
                    self.assertEqual(value, other[key])
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
        decode = {row["kernel"]: row for row in rows if row["program"] == "decode"}
        self.assertEqual(decode["embed_0"]["launches"], 1)
        self.assertGreater(max(row["launches"] for row in decode.values()), 1)

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
        for options in ([], ["--kernels"], ["--kernels", "--device=host"], [*SIM, "--tokens=0"], [*SIM, "--tokens=-1"],
                        [*SIM, "--output=xml"]):
            self.refuse(2, "", "strata-bench", missing, *options)
        self.refuse(1, "", "strata-bench", missing, *SIM)
        self.refuse(3, "", "strata-bench", self.compile(), *SIM)
        self.refuse(1, "", "strata-bench", self.gpuArtifact(), *SIM, "--tokens=129")


if __name__ == "__main__":
    unittest.main()
