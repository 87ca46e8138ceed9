# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-plan: the report, its tables and JSON, and what it refuses."""
import json
import time
import unittest

from strata_test import DERIVED_MODELS, TINY, ToolTest, run

HEADER = DERIVED_MODELS / "deepseek-v3.1-q4_0.header.gguf"
TARGET = ["--header-only", "--machine=ovh-ai1-1-gpu"]


class Plan(ToolTest):
    def plan(self, *arguments):
        return self.succeed("strata-plan", HEADER, *TARGET, *arguments).out

    def json(self, *arguments, code=0):
        result = run("strata-plan", HEADER, "--header-only", "--json", *arguments)
        self.assertEqual(result.code, code, result.error)
        return json.loads(result.out)

    def machineFile(self, text):
        path = self.folder / "machine.json"
        path.write_text(text)
        return f"--machine={path}"

    def testReport(self):
        text = self.plan("--context=32768")
        lines = text.splitlines()
        self.assertLessEqual(len(lines), 24, text)
        for line in lines:
            if not line.startswith("verify"):
                self.assertLessEqual(len(line), 100, line)
        self.assertTrue(text.isascii())
        for part in ("DeepSeek V3.1  Q4_0  352.1 GiB in 1,086 tensors", "disk 2.0 GB/s ASSUMED",
                     "2.1 GiB of latents, 70,272 B a position; all heads' keys and values would be 152.5 GiB",
                     "706 16.3 GiB", "1,538 35.5 GiB", "12,604 290.8 GiB", "\nruns, disk-bound\n",
                     "0.204 tok/s after 32,768 tokens, uniform routing (15.1 % hits, 9.76 GB from disk)",
                     "0.310 tok/s with 44.4 % hits (lru), ASSUMED", "75 tokens 2:39 min, 1,024 2:55 min, 8,192 2:55 min",
                     "limit      disk reads: 4.88 s of", "would help a disk of 4.0 GB/s",
                     "verify     strata-probe -o machine.json && strata-plan"):
            self.assertIn(part, text)
        self.assertIn("--machine=machine.json --context=32768", lines[-1])

    def testEveryPresetIsShort(self):
        for preset in ("host", "v100s-32g", "ovh-ai1-1-gpu", "ovh-t2-45"):
            for options in (["--context=4096"], ["--context=163840", "--kv=f32", "--sequences=8"], ["--ram=1GiB"]):
                result = run("strata-plan", HEADER, "--header-only", f"--machine={preset}", *options)
                self.assertIn(result.code, (0, 3), result.error)
                self.assertLessEqual(len(result.out.splitlines()), 24, result.out)
                for line in result.out.splitlines()[:-1]:
                    self.assertLessEqual(len(line), 100, line)
                self.assertEqual("does not fit" in result.out, result.code == 3)

    def testCachePolicies(self):
        """Which experts in RAM stay, and what is said of it; replay's names are the option's."""
        for name, slots, part in (("lru", 1538, "44.4 % hits (lru), ASSUMED"), ("lfu", 1538, "44.4 % hits (lfu), ASSUMED"),
                                  ("pinned", 0, "15.1 % hits (pinned), since nothing says which experts are used most")):
            option = f"--cache-policy={name}"
            self.assertIn(part, self.plan("--context=32768", option))
            plan = self.json("--machine=ovh-ai1-1-gpu", option)
            self.assertEqual(plan["settings"]["cache_policy"], name)
            self.assertEqual(sum(layer["cache_slots"] for layer in plan["layers"]), slots)
        self.assertIn("cache policy lru: 0 in ram are pinned, 27 are slots",
                      self.plan("--explain=blk.7.ffn_gate_exps.weight/31"))
        self.assertIn("(the next; pinned)", self.plan("--explain=blk.7.ffn_gate_exps.weight/31", "--cache-policy=pinned"))
        for tool, *options in (("strata-plan",), ("strata-compile", "--emit=plan")):
            refuse = [tool, HEADER, *TARGET, *options]
            error = self.refuse(2, "", *refuse, "--cache-policy=pinned-lru").error
            self.assertIn("give a routing trace or a usage file of strata-run with --trace", error)
            error = self.refuse(2, "", *refuse, "--cache-policy=random").error
            self.assertIn("choose one of pinned, lru, lfu, pinned-lru", error)

    def testASmallModelRuns(self):
        text = self.succeed("strata-plan", TINY, "--machine=v100s-32g").out
        self.assertIn("\nruns\n", text)
        self.assertNotIn("\nruns, disk-bound\n", text)

    def testJson(self):
        plan = self.json("--machine=ovh-ai1-1-gpu")
        self.assertEqual(plan["version"], 1)
        self.assertEqual(plan["verdict"], "runs, disk-bound")
        self.assertEqual(plan["tiers"]["gpu"]["experts"], 706)
        self.assertEqual(plan["prompt_device"], "gpu")
        self.assertEqual(sum(layer["ram_experts"] for layer in plan["layers"]), 1538)
        self.assertEqual(sum(plan["tiers"][tier]["dense"] + plan["tiers"][tier]["expert_bytes"] for tier in plan["tiers"]),
                         378060636160 + 1538 * 3 * 4096)  # A page more for each slab in RAM.
        for name, tier in plan["tiers"].items():
            self.assertEqual(sum(one["bytes"] for one in plan["arenas"] if one["tier"] == name), tier["scratch"])
            if name != "disk":
                used = tier["dense"] + tier["kv"] + tier["scratch"] + tier["expert_bytes"]
                self.assertEqual(used + tier["head_room"] + tier["free"], tier["budget"])
        self.assertEqual([prompt["tokens"] for prompt in plan["prediction"]["prompts"]], [75, 512, 1024, 2048, 8192, 32768])
        self.assertEqual(plan["model"]["expanded_kv_bytes_per_position"], 4997120)
        # The machine in it is a machine file.
        again = self.json(self.machineFile(json.dumps(plan["machine"])))
        self.assertEqual(again["tiers"], plan["tiers"])

    def testADiskThatIsTwiceAsFast(self):
        machine = self.json("--machine=ovh-ai1-1-gpu")["machine"]
        machine["disk"]["reads"] = [{"block": "8MiB", "depth": 8, "bandwidth": {"measured": "4GB/s"}}]
        text = self.succeed("strata-plan", HEADER, "--header-only", self.machineFile(json.dumps(machine))).out
        self.assertIn("disk 4.0 GB/s measured", text)
        self.assertIn("0.405 tok/s after 32,768 tokens, uniform routing", text)

    def testWhatIf(self):
        self.assertRegex(self.plan("--what-if=contexts"), r"(?m)^163,840 +334 +1,538 .* 10\.7 GiB, 762\.5 GiB$")
        self.assertRegex(self.plan("--what-if=machines"), r"(?m)^ovh-t2-45 +706 +1,621 ")
        self.assertRegex(self.plan("--what-if=ram"), r"(?m)^384\.0 GiB +706 +14,142 +0 +100\.0 %")
        table = self.plan("--what-if=quantisations")
        self.assertRegex(table, r"(?m)^Q4_0 +706 .*352\.1 GiB, 3\.2895 \(R1-0528\)$")
        self.assertRegex(table, r"(?m)^Q5_K .*430\.1 GiB, not published$")

    def testExplain(self):
        text = self.plan("--explain=blk.7.ffn_gate_exps.weight/31")
        self.assertTrue(text.startswith("blk.7.ffn_gate_exps.weight, expert 31: tier ram, 24,772,608 B\n"), text)
        self.refuse(2, "", "strata-plan", HEADER, *TARGET, "--explain=blk.7.ffn_gate_exps.weight/256")
        self.refuse(2, "", "strata-plan", HEADER, *TARGET, "--explain=nothing")

    def testDoesNotFit(self):
        result = self.refuse(3, "", "strata-plan", HEADER, "--header-only", "--machine=host", "--ram=4GiB")
        self.assertIn("does not fit: needs 9.7 GiB more RAM", result.out)
        missing = self.json("--machine=host", "--ram=4GiB", code=3)["shortfall"]["bytes"]
        self.assertIn(f"short by {missing} B", result.error)
        enough = f"--ram={4 * 2**30 + missing}B"
        self.succeed("strata-plan", HEADER, "--header-only", "--machine=host", enough)
        self.refuse(3, "", "strata-plan", HEADER, "--header-only", "--machine=host", f"--ram={4 * 2**30 + missing - 1}B")
        self.refuse(3, "", "strata-plan", HEADER, *TARGET, "--gpu-memory=1GiB")
        self.refuse(3, "", "strata-plan", HEADER, *TARGET, "--gpu-memory=100MiB")
        self.refuse(3, "", "strata-plan", HEADER, "--header-only", self.machineFile('{"cores": 8, "ram": "64GiB"}'))

    def testBadMachineFiles(self):
        for text in ("", "{}", '{"cores": 8}', '{"cores": 8, "ram": "-1GiB"}', '{"cores": 8, "ram": "8GiB", "x": 1}',
                     '{"cores": 8, "ram": "8GiB", "disk": {"reads": []}}'):
            result = self.refuse(1, "", "strata-plan", HEADER, "--header-only", self.machineFile(text))
            self.assertEqual(len(result.error.splitlines()), 1, result.error)

    def testBadOptions(self):
        for option in ("--context=163841", "--context=0", "--prompt-tokens=32769", "--chunk-tokens=0", "--kv=i8",
                       "--ram=64", "--gpu-memory=x", "--what-if=weather", "--sequences=-1", "--sequences=2147483647"):
            self.refuse(2, "", "strata-plan", HEADER, *TARGET, option)
        self.refuse(2, "", "strata-plan", HEADER, "--header-only")
        self.refuse(2, "", "strata-plan", HEADER, "--header-only", "--machine=abacus")
        self.refuse(2, "", "strata-plan", HEADER, "--header-only", "--machine=host", "--gpu-memory=8GiB")
        self.refuse(2, "", "strata-plan", HEADER, *TARGET, "--json", "--what-if=ram")
        self.refuse(1, "", "strata-plan", self.folder / "missing.gguf", "--machine=host")

    def testTakesLessThanTwoSeconds(self):
        start = time.monotonic()
        self.plan()
        self.assertLess(time.monotonic() - start, 2)


if __name__ == "__main__":
    unittest.main()
