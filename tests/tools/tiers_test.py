# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plans over several tiers, from strata-compile to strata-dump and strata-run."""
import json
import os
import random
import re
import subprocess
import time
import unittest

from strata_test import BIN, DERIVED_MODELS, TINY, ToolTest, run

HEADER = DERIVED_MODELS / "deepseek-v3.1-q4_0.header.gguf"
GIB = 1 << 30
# Of which a driver takes 450 MiB; the rest has room for some of the tiny model's layers.
LAYERS_GPU = "465450KiB"


def members(ranges):
    return {expert for first, last in ranges for expert in range(first, last + 1)}


class Tiers(ToolTest):
    def plan(self, *options, code=0):
        start = time.monotonic()
        result = run("strata-compile", HEADER, "--header-only", "--emit=plan", *options)
        self.assertLess(time.monotonic() - start, 20, "planning takes 0.2 s on a machine that is not busy")
        self.assertEqual(result.code, code, result.error)
        return result.out

    def experts(self, text):
        """Experts in gpu, ram and disk over all layers."""
        counts = [0, 0, 0]
        for layers, *sets in re.findall(r"plan.experts layers \d+ count (\d+) of 256 gpu <(.*?)> ram <(.*?)> disk <(.*?)>", text):
            for tier, ranges in enumerate(sets):
                for one in filter(None, ranges.split(", ")):
                    bounds = [int(number) for number in one.split(" to ")]
                    counts[tier] += int(layers) * (bounds[-1] - bounds[0] + 1)
        return counts

    def testTheRealModelOnTheRealMachine(self):
        text = self.plan("--machine=ovh-ai1-1-gpu", "--context=32768")
        # strata-plan estimates arenas and says 706 and 1,538; with the sizes that the programs have it is these.
        self.assertEqual(self.experts(text), [711, 1537, 12600])
        tensors = re.findall(r'plan.tensor "(.*?)".*? (in gpu|in ram|in disk|by experts) :', text)
        self.assertEqual({name for name, place in tensors if place == "in ram"}, {"token_embd.weight"})
        self.assertEqual({name for name, place in tensors if place == "by experts"},
                         {f"blk.*.ffn_{part}_exps.weight" for part in ("gate", "up", "down")})
        self.assertNotIn("in disk", [place for _, place in tensors])
        self.assertRegex(text, r"plan.arena @kv kind kv on gpu in gpu")
        self.assertIn("plan.budget gpu bytes 34058272768 reserved 471859200 head_room 1073741824", text)

    def testTheRealModelOnAHostWithADisk(self):
        text = self.plan("--machine=host", "--ram=64GiB")
        gpu, ram, disk = self.experts(text)
        self.assertEqual(gpu, 0)
        self.assertEqual(ram + disk, 58 * 256)
        self.assertNotIn("plan.transfer", text)

    def testWhateverThePlannerChoosesIsProved(self):
        # Exit code 70 would be a plan that its verifier refuses.
        dice = random.Random(1)
        fitting = 0
        for _ in range(24):
            options = [f"--ram={dice.randrange(8 * GIB, 80 * GIB)}B", f"--context={dice.choice((1000, 4096, 32768, 163840))}",
                       f"--sequences={dice.choice((1, 1, 2, 3))}", f"--kv={dice.choice(('f16', 'f32'))}",
                       f"--activations={dice.choice(('auto', 'i8', 'i16', 'f32'))}",
                       f"--ram-head-room={dice.randrange(0, 2 * GIB)}B"]
            if dice.random() < 0.6:
                options += ["--machine=v100s-32g", f"--gpu-memory={dice.randrange(3 * GIB, dice.choice((16, 200)) * GIB)}B",
                            f"--gpu-head-room={dice.randrange(0, 2 * GIB)}B"]
            else:
                options.append("--machine=host")
            result = run("strata-compile", HEADER, "--header-only", "--emit=plan", *options)
            self.assertIn(result.code, (0, 3), f"{options}: {result.error}")
            fitting += result.code == 0
        self.assertGreater(fitting, 8)

    def testAGpuWithoutRoomForAllLayers(self):
        options = ["--machine=v100s-32g", "--gpu-memory=8GiB", "--context=32768"]
        text = self.plan(*options)
        first = int(re.search(r"plan.host_layers from (\d+) of 61", text)[1])
        self.assertTrue(3 < first < 61)
        tiers = dict(re.findall(r'plan.tensor "blk.\*.attn_q_a.weight" layers (\d+) count \d+ in (\w+)', text))
        self.assertEqual(tiers, {"0": "gpu", str(first): "ram"})
        self.assertRegex(text, rf"plan.kv_cache in @kv layers {first} .*\n.*plan.kv_cache in @kv_host from {first} layers {61 - first} ")
        self.assertEqual(text.count(f"plan.run @hand_over\n    plan.run @moe_layer_host layers {first} count {61 - first}"), 2)
        for layer, count in re.findall(r"plan.experts layers (\d+) count (\d+) of 256 gpu <\d", text):
            self.assertLessEqual(int(layer) + int(count), first)
        explained = self.succeed("strata-compile", HEADER, "--header-only", *options, "--explain=blk.60.attn_norm.weight").out
        self.assertIn(f"{first} of 61 layers fit; the host computes the others as a whole, and the head after them, from RAM",
                      explained)
        # About the same layers, by estimated arenas.
        data = json.loads(self.succeed("strata-plan", HEADER, "--header-only", *options, "--json").out)
        self.assertAlmostEqual([layer["dense"] for layer in data["layers"]].count("gpu"), first, delta=6)
        report = self.succeed("strata-plan", HEADER, "--header-only", *options).out
        self.assertRegex(report, r"; the host computes the head and \d+ of 61 layers, from \d+ on, for which the GPU has no room\n")
        self.assertLessEqual(report.count("\n"), 24)

    def testDumpReadsTheHostsLayersBack(self):
        out = self.folder / "layers.strata"
        self.succeed("strata-compile", TINY, "-o", out, "--machine=v100s-32g", "--context=256", f"--gpu-memory={LAYERS_GPU}",
                     "--gpu-head-room=0B")
        data = json.loads(self.succeed("strata-dump", out, "--json").out)
        first = data["kv"]["gpu_layers"]
        self.assertTrue(1 < first < 6)
        for tensor in data["tensors"]:
            layer = re.match(r"blk\.(\d+)\.", tensor["name"])
            tier = "disk" if "_exps." in tensor["name"] else "gpu" if layer and int(layer[1]) < first else "ram"
            self.assertEqual(tensor["tier"], tier, tensor["name"])
        self.assertIn(f"the host computes the head and {6 - first} of 6 layers, from {first} on", self.succeed("strata-dump", out).out)
        self.assertIn(f"plan.host_layers from {first} of 6", self.succeed("strata-dump", out, "--plan").out)
        self.assertRegex(self.succeed("strata-dump", out, "--programs").out, r"run hand_over\nrun moe_layer_host for layer")
        self.assertIn(f"kv: layers 0 to {first - 1} on the gpu, {first} to 5 on the host", self.succeed("strata-dump", out, "--buffers").out)
        self.refuse(3, "A27", "strata-run", out, "-p", "x")

    def testAModelThatFitsStaysInOneTier(self):
        for machine, tier in (("host", "ram"), ("v100s-32g", "gpu")):
            text = self.succeed("strata-compile", TINY, f"--machine={machine}", "--emit=plan").out
            for absent in ("plan.experts", "plan.transfer", "plan.stream", "by experts"):
                self.assertNotIn(absent, text)
            self.assertEqual(set(re.findall(r"plan.tensor .* in (\w+) :", text)), {tier})

    def split(self, context=256, ram="263MiB"):
        """An artifact of the tiny model, whose experts are in RAM and on the disk."""
        out = self.folder / "split.strata"
        machine = json.loads(self.succeed("strata-plan", TINY, "--machine=host", "--json").out)["machine"]
        machine["cores"] = 2  # Every thread has scratch in RAM.
        path = self.folder / "machine.json"
        path.write_text(json.dumps(machine))
        result = self.succeed("strata-compile", TINY, "-o", out, f"--machine={path}", f"--context={context}", f"--ram={ram}",
                              "--ram-head-room=0B")
        self.assertNotIn("note:", result.error)
        return out

    def testDumpReadsItBack(self):
        out = self.split()
        data = json.loads(self.succeed("strata-dump", out, "--json").out)
        self.assertEqual([budget["tier"] for budget in data["budgets"]], ["ram", "disk"])
        layers = set()
        for line in data["experts"]:
            sets = [members(line[tier]) for tier in ("gpu", "ram", "disk")]
            self.assertEqual(set.union(*sets), set(range(32)))
            self.assertEqual(sum(map(len, sets)), 32)
            self.assertTrue(sets[1] and sets[2])
            self.assertEqual(line["slots"], len(sets[1]))
            layers |= set(range(line["first_layer"], line["first_layer"] + line["layers"]))
        self.assertEqual(layers, {1, 2, 3, 4, 5})
        self.assertLess(data["prediction"]["uniform"]["hit_rate"], 1)
        self.assertEqual(data["prediction"]["uniform"]["bottleneck"], "disk reads")
        self.assertGreater(data["prediction"]["prompts"][0]["seconds"], 0)
        self.assertEqual({tensor["tier"] for tensor in data["tensors"] if "_exps." in tensor["name"]}, {"disk"})
        self.assertIn("plan.experts layers", self.succeed("strata-dump", out, "--plan").out)
        summary = self.succeed("strata-dump", out).out
        self.assertIn("a token, uniform routing", summary)
        self.assertRegex(summary, r"layers 1 to \d of 32: gpu none; ram 0 to \d+; disk \d+ to 31;")

    def testStatistics(self):
        artifact, file = self.split(), self.folder / "stats.json"
        done = self.succeed("strata-run", artifact, "--random-prompt=90", "-n9", "--stats", "--json", f"--stats-file={file}")
        self.assertEqual(done.out, "")
        stats = json.loads(file.read_text())
        prompt, decode, predicted = stats["prompt"], stats["decode"], stats["predicted"]
        self.assertEqual((prompt["tokens"], decode["tokens"]), (90, 8))
        # Every expert is read once in a prompt, and in decoding each token uses 4 of 5 layers each.
        self.assertEqual((prompt["expert_hits"], prompt["expert_misses"] <= 5 * 32), (0, True))
        self.assertEqual(decode["expert_hits"] + decode["expert_misses"], 8 * 5 * 4)
        self.assertAlmostEqual(decode["hit_rate"], decode["expert_hits"] / (8 * 5 * 4))
        for phase in (prompt, decode):
            self.assertGreater(phase["disk_bytes"], 0)
            self.assertGreaterEqual(phase["elapsed_seconds"], phase["seconds"])
            self.assertAlmostEqual(phase["disk_gbps_overall"], phase["disk_bytes"] / phase["seconds"] / 1e9)
            self.assertGreaterEqual(phase["disk_gbps_reading"], phase["disk_gbps_overall"])
            self.assertAlmostEqual(phase["ram_gbps_computing"],
                                   phase["ram_bytes"] / (phase["seconds"] - phase["waiting_seconds"]) / 1e9)
            self.assertEqual((phase["damaged_reads"], phase["timeouts"]), (0, 0))
        data = json.loads(self.succeed("strata-dump", artifact, "--json").out)["prediction"]
        self.assertAlmostEqual(predicted["decode"]["seconds"], 8 * data["uniform"]["seconds"])
        self.assertAlmostEqual(predicted["decode_expected"]["hit_rate"], data["expected"]["hit_rate"])
        (shorter,) = [one for one in data["prompts"] if one["tokens"] == 75]
        self.assertEqual(predicted["prompt"]["seconds"], -1 if len(data["prompts"]) == 1 else shorter["seconds"])
        # -1 is what was not measured, which 0 could be taken for.
        text = self.succeed("strata-run", artifact, "--random-prompt=3", "--stats", "--json").error
        self.assertEqual(json.loads(text.splitlines()[-1])["decode"]["seconds"], -1)
        text = self.succeed("strata-run", artifact, "-p", "x", "-n3", "--stats", "--read-timeout=5").error
        self.assertRegex(text, r"note: experts are read from the disk: .*reads")
        self.assertRegex(text, r"stats: prompt: \d+ tokens in [0-9.]+ s, [0-9.]+ tokens/s")
        self.assertRegex(text, r"stats:   disk: .* a token, predicted .*; .* while waiting, .* while reading, .* overall; waited")
        self.assertRegex(text, r"stats:   RAM: .* a token, predicted .*; .*; \d+ of \d+ experts were in memory, [0-9.]+ %, predicted")
        self.assertIn("stats: reads: 0 asked for again, 0 damaged", text)
        self.refuse(2, "", "strata-run", artifact, "-p", "x", "--json")
        refused = self.refuse(3, "", "strata-run", artifact, "--random-prompt=3", "--stats", f"--stats-file={self.folder}/none/x")
        self.assertIn("give another place with --stats-file", refused.error)

    def testRunsWithTheBitsOfOneTier(self):
        whole = self.folder / "whole.strata"
        self.succeed("strata-compile", TINY, "-o", whole, "--machine=host", "--context=256")
        bits = {self.succeed("strata-run", artifact, "--tokens=1,2,3,4,5,6,7,8", "-n24", "--temperature=0", *options).out
                for artifact in (whole, self.split()) for options in ((), ("--threads=1",), ("--isa=portable",))}
        self.assertEqual(len(bits), 1)
        # A prompt whose experts are read ahead, also into buffers of the layers behind.
        dice = random.Random(3)
        long = "--tokens=" + ",".join(str(dice.randrange(300)) for _ in range(100))
        bits = {self.succeed("strata-run", artifact, long, "-n24", "--temperature=0", *options).out
                for artifact in (whole, self.split()) for options in ((), ("--threads=1",), ("--reads=buffered", "--read-depth=3"))}
        self.assertEqual(len(bits), 1)
        self.refuse(3, "", "strata-run", self.split(), "-p", "x", "--device=sim")

    def testProgressByLayerOnATerminal(self):
        terminal, side = os.openpty()
        # Slow enough that the line, which appears after half a second, is seen.
        command = [BIN / "strata-run", self.split(1024, "268MiB"), "--random-prompt=900", "--threads=1", "--isa=portable", "--activations=f32"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=side)
        os.close(side)
        text = b""
        try:
            while part := os.read(terminal, 1 << 16):
                text += part
        except OSError:  # How the other side's end shows itself.
            pass
        os.close(terminal)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(text.decode(), r"\r\x1b\[Kprompt: layer [1-6] of 6, \d+\.\d\d GB/s, (\d+:)?\d+( s)? left")
        self.assertRegex(text.decode(), r"\r\x1b\[Kprompt: 900 tokens", "the line is not left behind")

    def testStatisticsWithoutADisk(self):
        whole = self.folder / "whole.strata"
        self.succeed("strata-compile", TINY, "-o", whole, "--machine=host", "--context=256")
        text = self.succeed("strata-run", whole, "-p", "x", "-n4", "--stats").error
        self.assertRegex(text, r"stats: decode: 3 tokens in .*, predicted .* tokens/s")
        self.assertIn("stats: all weights are in memory", text)
        self.refuse(2, "", "strata-run", self.split(), "-p", "x", "--read-timeout=0")

    def testReadsAreChosenByName(self):
        artifact = self.split()
        command = ["strata-run", artifact, "--tokens=1,2,3,4,5,6,7,8", "-n4", "--temperature=0"]
        self.assertEqual(json.loads(self.succeed("strata-dump", artifact, "--json").out)["machine"]["read_depth"], 8)
        self.assertIn("with 8 reads at one time", self.succeed("strata-dump", artifact).out)
        planned = self.succeed(*command)
        self.assertRegex(planned.error,
                         r"read from the disk: (io_uring with direct reads, 8 at a time|threads with .* reads.*, 8 at a time)")
        buffered = self.succeed(*command, "--reads=buffered", "--read-depth=3")
        self.assertIn("read from the disk: threads with buffered reads, whose pages are given back, 3 at a time (as asked for)",
                      buffered.error)
        self.assertEqual(planned.out, buffered.out)
        for name in ("auto", "uring", "pool"):
            result = run(*command, f"--reads={name}")
            if name != "auto" and result.code == 3:
                self.assertRegex(result.error, r"refuse.*\[F1[12]\]")
                continue
            self.assertEqual(result.code, 0, result.error)
            self.assertEqual(planned.out, result.out, name)
        for bad in ("--reads=mmap", "--read-depth=0", "--read-depth=5000"):
            self.refuse(2, "", *command, bad)

    def testWithAGpuItIsRefusedAtOnce(self):
        artifact = self.folder / "gpu.strata"
        result = self.succeed("strata-compile", TINY, "-o", artifact, "--machine=v100s-32g", "--context=256",
                              "--gpu-memory=458MiB", "--gpu-head-room=0B")
        self.assertIn("note: the plan is over several tiers with a GPU", result.error)
        self.refuse(3, "A27", "strata-run", artifact, "-p", "x")
        self.refuse(3, "A27", "strata-run", artifact, "-p", "x", "--device=sim")

    def testExplain(self):
        text = self.succeed("strata-compile", HEADER, "--header-only", "--machine=ovh-ai1-1-gpu",
                            "--explain=blk.7.ffn_gate_exps.weight/31").out
        self.assertIn("blk.7.ffn_gate_exps.weight, expert 31: tier ram, 24,772,608 B", text)
        self.refuse(2, "", "strata-compile", TINY, "--machine=host", "--explain=nothing")

    def testWhatDoesNotFitIsPrinted(self):
        result = self.refuse(3, "", "strata-compile", HEADER, "--header-only", "--machine=host", "--ram=8GiB", "-o",
                             self.folder / "m.strata")
        self.assertIn("the plan does not fit: ram is short by", result.error)
        self.assertFalse((self.folder / "m.strata").exists())
        result = self.refuse(3, "", "strata-compile", HEADER, "--header-only", "--machine=v100s-32g", "--gpu-memory=2GiB", "-o",
                             self.folder / "m.strata")
        self.assertIn("the plan does not fit: gpu is short by", result.error)


if __name__ == "__main__":
    unittest.main()
