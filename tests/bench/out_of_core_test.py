# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tests/bench/out-of-core, with engines that only pretend: its parsing, its arithmetic, what it counts and what it refuses."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import unittest

from strata_test import SOURCE, TINY, ToolTest

SCRIPT = SOURCE / "tests/bench/out-of-core"


def load_script():
    loader = importlib.machinery.SourceFileLoader("out_of_core", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("out_of_core", loader))
    loader.exec_module(module)
    return module


script = load_script()
import engines  # noqa: E402
import measured_run  # noqa: E402
import memory_group  # noqa: E402
import model as models  # noqa: E402
import planning  # noqa: E402
import table as tables  # noqa: E402

DECODE, PROMPT = engines.Work("decode", 4, decodes=True), engines.Work("prompt-512", 512)


def finished(out="", code=0, error="", seconds=10.0, marks=None, samples=None):
    """A run that read a byte every nanosecond."""
    samples = samples or [(seconds * part / 10, int(1e9 * seconds * part / 10)) for part in range(11)]
    return measured_run.Run(code, seconds, samples, marks or {}, out, error, {"peak": 7, "limit_hits": 1})


class Parsing(unittest.TestCase):
    def testBytesBetweenSamples(self):
        run = finished(samples=[(1.0, 100), (2.0, 300), (4.0, 300)])
        for moment, expected in ((0, 0), (0.5, 50), (1, 100), (1.5, 200), (3, 300), (9, 300)):
            self.assertAlmostEqual(run.bytes_until(moment), expected)
        self.assertAlmostEqual(run.bytes_between(0.5, 1.5), 150)
        self.assertEqual(run.read_bytes, 300)

    def testLlama(self):
        llama = engines.Llama("llama-bench", "m.gguf", None)
        row = {"n_gen": 4, "n_prompt": 0, "avg_ns": 2_000_000_000}
        result = llama.parse(finished(json.dumps([row]), marks={"start": 5.0}), DECODE)
        self.assertAlmostEqual(result["tokens_per_second"], 2)
        self.assertAlmostEqual(result["bytes"], 2e9)
        self.assertEqual((result["total_bytes"], result["peak"], result["limit_hits"]), (10_000_000_000, 7, 1))
        for out, marks in (("", {"start": 5.0}), ("[]", {"start": 5.0}), (json.dumps([row | {"n_gen": 5}]), {"start": 5.0}),
                           (json.dumps([row | {"avg_ns": 0}]), {"start": 5.0}), (json.dumps([row]), {})):
            self.assertIn("reason", llama.parse(finished(out, marks=marks), DECODE), out)
        failure = llama.parse(finished(code=1, error="loading\nmain: error: no memory\nbye\n"), DECODE)
        self.assertEqual(failure["reason"], "ended with 1: main: error: no memory")

    def testLlamasCommandFollowsItsHelp(self):
        llama = engines.Llama("llama-bench", "m.gguf", 3)
        llama.options = "  -lm, --load-mode  --repack"
        text = " ".join(map(str, llama.command(DECODE)))
        self.assertIn("-p 0 -n 4 -lm mmap --repack 0 -t 3 -r 1 --progress -o json", text)
        llama.options = "  -mmp, --mmap"
        text = " ".join(map(str, llama.command(PROMPT)))
        self.assertIn("-p 512 -n 0 --no-warmup -mmp 1 -t 3", text)

    def testStrata(self):
        strata = engines.Strata("strata-run", "m.strata", "m.gguf", None)
        stats = {"prompt": {"tokens": 512, "seconds": 4.0}, "decode": {"tokens": 4, "seconds": 1.0}}
        # All was over at 8 s, and memory given back until 10 s.
        result = strata.parse(finished(samples=[(0, 0), (8.0, 800), (10.0, 800)]), DECODE, json.dumps(stats), 8.0)
        self.assertEqual((result["tokens_per_second"], round(result["bytes"]), result["stats"]), (4, 100, stats))
        # Between steps another second went by.
        stats["decode"]["elapsed_seconds"] = 2.0
        result = strata.parse(finished(samples=[(0, 0), (8.0, 800), (10.0, 800)]), DECODE, json.dumps(stats), 8.0)
        self.assertEqual((result["tokens_per_second"], round(result["bytes"])), (4, 200))
        # Loaded at 3 s, the prompt done at 7 s.
        stats["decode"]["elapsed_seconds"] = 1.0
        result = strata.parse(finished(samples=[(3.0, 50), (7.0, 800), (8.0, 900), (10.0, 900)]), PROMPT, json.dumps(stats), 8.0)
        self.assertEqual((result["tokens_per_second"], round(result["bytes"])), (128, 750))
        for text in (None, "", "[]", "{}", json.dumps({"decode": {"tokens": 0, "seconds": 1}}),
                     json.dumps(stats | {"predicted": 3})):
            self.assertIn("reason", strata.parse(finished(), DECODE, text, 8.0), text)
        self.assertIn("ended with 3", strata.parse(finished(code=3), DECODE, None, 0)["reason"])

    def testFio(self):
        out = 'note: x\n{"jobs": [{"read": {"bw_bytes": 1500000000, "io_bytes": 3000000000, "runtime": 2000}}]}'
        self.assertEqual(engines.Fio.parse(finished(out))["gbps"], 1.5)
        self.assertIn("reason", engines.Fio.parse(finished("{}")))

    def testWhereGroupsCanBe(self):
        mounts = ("tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
                  "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n")
        places = list(memory_group.own_places("4:memory:/a/b\n1:cpu:/\n0::/\n", mounts))
        self.assertEqual(places, [(1, pathlib.Path("/sys/fs/cgroup/memory/a/b")), (1, pathlib.Path("/sys/fs/cgroup/memory/a")),
                                  (1, pathlib.Path("/sys/fs/cgroup/memory")), (2, pathlib.Path("/sys/fs/cgroup/unified"))])
        self.assertEqual(list(memory_group.own_places("0::/x\n", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")),
                         [(2, pathlib.Path("/sys/fs/cgroup/x")), (2, pathlib.Path("/sys/fs/cgroup"))])

    def testOptions(self):
        options = script.parse(["--ram=1.5GiB", "--rows=decode,prompt-7", "--tokens=9"])
        self.assertEqual(options.ram, 3 << 29)
        self.assertEqual(options.works, [engines.Work("decode", 9, True), engines.Work("prompt-7", 7)])
        for bad in ("--ram=8", "--rows=prompt-0", "--rows=x", "--engines=y", "--rounds=0"):
            with self.assertRaises(SystemExit, msg=bad), open(os.devnull, "w") as nothing:
                error, sys.stderr = sys.stderr, nothing
                try:
                    script.parse([bad])
                finally:
                    sys.stderr = error


class FakeModel:
    bytes, operations_per_token = 27_000_000_000, 4_000_000_000

    @staticmethod
    def attention_operations(tokens):
        return 1_000_000 * tokens * tokens


def result(tokens, seconds, read, total=0, stats=None, peak=6 << 30, hits=0):
    return {"tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds, "bytes": read, "total_bytes": total,
            "peak": peak, "limit_hits": hits} | ({"stats": stats} if stats else {})


def stats_of(seconds, read):
    return {"decode": {"tokens": 4, "seconds": seconds, "bytes_read": read, "disk_gbps_waiting": 0.95},
            "predicted": {}}


class Arithmetic(unittest.TestCase):
    PLAN = {"bytes": 500_000_000, "tokens_per_second": 4 / 3, "prompts": {2048: 30.0}}

    def table(self, rounds, *works, gops=None, attention_gops=None, plan=PLAN):
        rows = tables.Table(rounds, FakeModel, 8 << 30, "decode", plan, gops, attention_gops).rows(works)
        return {row["what"]: row for row in rows}

    def figure(self, rows, part):
        (row,) = [row for what, row in rows.items() if part in what]
        return row["figure"], row["reached"]

    def testDecoding(self):
        rounds = [{("Strata", "decode"): result(4, seconds, 2_000_000_000, stats=stats_of(seconds, 2_000_000_000)),
                   ("llama.cpp", "decode"): result(4, 12, 6_000_000_000, peak=10 << 30, hits=9), ("fio", ""): {"gbps": 1.0}}
                  for seconds in (4.0, 3.0, 2.0)]
        rows = self.table(rounds, DECODE)
        self.assertEqual(self.figure(rows, "decode against"), ("4.00 x", "yes"))
        # In each round (our GB/s / its) x (its bytes / ours) is the ratio of speeds.
        self.assertEqual(self.figure(rows, "of what GB/s and bytes explain"), ("1.00", "yes"))
        self.assertEqual(self.figure(rows, "while waiting"), ("95.0 %", "yes"))
        self.assertEqual(self.figure(rows, "misses"), ("100.0 %", "yes"))
        self.assertEqual(self.figure(rows, "prediction: bytes"), ("+0.0 %", "yes"))
        self.assertEqual(self.figure(rows, "prediction: tokens/s"), ("+0.0 %", "yes"))
        self.assertEqual(self.figure(rows, "peak"), ("75 %", "yes"))
        self.assertIn("10.00 GiB", rows["peak of the cgroup, page cache included"]["against"])
        slower = [{("Strata", "decode"): result(4, 6.0, 2_100_000_000, stats=stats_of(6.0, 2_100_000_000), hits=1),
                   ("llama.cpp", "decode"): result(4, 12, 6_000_000_000), ("fio", ""): {"gbps": 1.2}}]
        rows = self.table(slower, DECODE)
        self.assertEqual(self.figure(rows, "decode against"), ("2.00 x", "**no**"))
        self.assertEqual(self.figure(rows, "while waiting"), ("79.2 %", "**no**"))
        self.assertEqual(self.figure(rows, "misses"), ("105.0 %", "**no**"))
        self.assertEqual(self.figure(rows, "prediction: bytes"), ("-4.8 %", "**no**"))
        self.assertEqual(self.figure(rows, "prediction: tokens/s"), ("+100.0 %", "**no**"))
        self.assertEqual(self.figure(rows, "peak")[1], "**no**")

    def testPrompts(self):
        long = engines.Work("prompt-2048", 2048)
        rounds = [{("Strata", "prompt-512"): result(512, 30.0, 26_000_000_000, 27_200_000_000),
                   ("Strata", "prompt-2048"): result(2048, 40.0, 27_000_000_000, 28_000_000_000),
                   ("llama.cpp", "prompt-512"): result(512, 60.0, 0, 50_000_000_000), ("fio", ""): {"gbps": 1.0}}]
        rows = self.table(rounds, PROMPT, long, gops=200)
        self.assertEqual(self.figure(rows, "prompt-512 against"), ("2.00 x", "**no**"))
        self.assertEqual(self.figure(rows, "prompt-512: bytes"), ("100.7 %", "yes"))
        self.assertEqual(self.figure(rows, "prompt-2048: bytes read, of the model's"), ("103.7 %", "**no**"))
        self.assertEqual(self.figure(rows, "of those of prompt-512"), ("103.8 %", "**no**"))
        self.assertEqual(self.figure(rows, "prompt-512: time"), ("115 %", "yes"))  # 30 s of 26, the disk's.
        self.assertEqual(self.figure(rows, "prompt-2048: time"), ("98 %", "yes"))  # 40 s of 41, the operations'.
        both = self.table(rounds, PROMPT, long, gops=200, attention_gops=200)
        self.assertEqual(self.figure(both, "prompt-2048: time"), ("65 %", "yes"))  # 21 s more of attention.
        self.assertEqual(self.figure(rows, "first token, prompt-2048"), ("-25.0 %", "**no**"))
        self.assertEqual(self.figure(rows, "first token, prompt-512"), ("not measured", "the plan says nothing of 512 tokens"))
        self.assertEqual(self.figure(rows, "prompt-2048 against"), ("not measured", "llama.cpp: not run"))
        self.assertIn("--gops", self.figure(self.table(rounds, PROMPT), "prompt-512: time")[1])

    def testWhatWasNotMeasuredSaysWhy(self):
        unknown = stats_of(4.0, 2_000_000_000)
        unknown["decode"]["disk_gbps_waiting"] = -1
        rounds = [{("Strata", "decode"): {"reason": "ended with 1: no"}, ("llama.cpp", "decode"): result(4, 12, 1)}]
        for row in self.table(rounds, DECODE).values():
            self.assertEqual((row["figure"], row["reached"]), ("not measured", "Strata: ended with 1: no"))
        rows = self.table([{("Strata", "decode"): result(4, 4, 1, stats=unknown), ("fio", ""): {"gbps": 1.0}}], DECODE)
        self.assertEqual(self.figure(rows, "while waiting"), ("not measured", "no such figure"))
        self.assertEqual(self.figure(rows, "decode against"), ("not measured", "llama.cpp: not run"))
        rows = self.table([{("Strata", "decode"): result(4, 4, 1)}], DECODE, plan={"reason": "no plan"})
        self.assertEqual(self.figure(rows, "prediction: tokens/s"), ("not measured", "no plan"))
        # One failure of several rounds costs that round.
        mixed = rounds + [{("Strata", "decode"): result(4, 4, 1), ("llama.cpp", "decode"): result(4, 12, 1)}]
        self.assertEqual(self.figure(self.table(mixed, DECODE), "decode against"), ("3.00 x", "yes"))

    def testPlanning(self):
        options = script.parse(["--ram=1GiB", "--rows=decode,prompt-100", "--tokens=500", "--trace=t", "--cache-policy=lfu"])
        self.assertEqual(planning.settings(options), [f"--ram={1 << 30}B", "--context=576", "--prompt-tokens=100", "--trace=t",
                         "--cache-policy=lfu"])
        machine = {"disk": {"reads": [{"block": "1MiB", "bandwidth": {"assumed": "1GB/s"}}]}}
        self.assertEqual(planning.with_disk(machine, 1.25)["disk"]["reads"], [{"block": "1MiB", "bandwidth": {"measured": "1.250GB/s"}}])
        self.assertIn("assumed", machine["disk"]["reads"][0]["bandwidth"])
        token = {"expert_bytes": {"disk": 5.0}, "tokens_per_second": 2.0}
        prompt = {"tokens": 75, "cost": {"seconds": 3.0}}
        self.assertEqual(planning.prediction({"prediction": {"uniform": {}, "traced": token, "prompts": [prompt]}}),
                         {"bytes": 5.0, "tokens_per_second": 2.0, "prompts": {75: 3.0}})

    def testMarkdown(self):
        text = tables.markdown([tables.unmeasured("a|b", "c", "d")])
        self.assertEqual(text.splitlines()[-1], "| a\\|b | c |  |  | not measured | d |")


FAKE = """#!/usr/bin/env python3
import json, sys, time
if "--help" in sys.argv: sys.exit(0)
name = sys.argv[0].rsplit("/", 1)[1]
if name == "strata-plan":
    # A token's bytes; its speed follows from the disk's, which the second call says.
    machine = [argument.split("=", 1)[1] for argument in sys.argv if argument.startswith("--machine=")][0]
    disk = json.load(open(machine))["disk"] if machine != "host" else {"reads": [{"bandwidth": {"assumed": "1.0GB/s"}}]}
    (rate,) = [float(one["bandwidth"].popitem()[1][:-4]) for one in disk["reads"]]
    token = {"expert_bytes": {"disk": 1e9}, "tokens_per_second": 38 * rate}
    disk["reads"][0]["bandwidth"] = {"assumed": "1.0GB/s"}
    print(json.dumps({"machine": {"disk": disk}, "prediction": {"uniform": token, "prompts": []}}))
if name == "fio": print(json.dumps({"jobs": [{"read": {"bw_bytes": 2e9, "io_bytes": 4e9, "runtime": 2000}}]}))
if name == "llama-bench":
    time.sleep(0.05)
    print("llama-bench: benchmark 1/1: generation run 1/1", file=sys.stderr, flush=True)
    time.sleep(0.2)
    print(json.dumps([{"n_gen": 4, "n_prompt": 0, "avg_ns": 200000000}]))
traces = [argument.split("=", 1)[1] for argument in sys.argv if argument.startswith("--trace=")]
if name == "strata-run" and traces: open(traces[0], "w").write(" ".join(sys.argv))
elif name == "strata-run":
    (file,) = [argument.split("=", 1)[1] for argument in sys.argv if argument.startswith("--stats-file=")]
    phase = {"tokens": 4, "seconds": 0.05, "bytes_read": 8, "misses": 2, "disk_gbps_waiting": 1.9}
    json.dump({"decode": phase, "predicted": {"decode": phase}}, open(file, "w"))
"""


class Whole(ToolTest):
    def fakes(self):
        for name in ("fio", "llama-bench", "strata-run", "strata-compile", "strata-plan"):
            path = self.folder / name
            path.write_text(FAKE)
            path.chmod(0o755)

    def bench(self, *options):
        command = [sys.executable, str(SCRIPT), f"--model={TINY}", f"--bin={self.folder}", f"--work={self.folder}",
                   f"--fio={self.folder}/fio", f"--llama-bench={self.folder}/llama-bench", "--rows=decode", "--tokens=4", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def testWithPretendingEngines(self):
        self.fakes()
        done = self.bench("--rounds=2", "--no-cgroup", f"--json={self.folder}/all.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| decode against llama.cpp | 2.5 x | 80 tokens/s | 20 tokens/s | 4.00 x | yes |", done.stdout)
        self.assertIn("| 95.0 % | yes |", done.stdout)
        self.assertIn("| prediction: tokens/s | 15 % | 80 tokens/s | 76 tokens/s | -5.0 % | yes |", done.stdout)
        self.assertIn("memory is not limited", done.stderr)
        self.assertIn("fewer than 5 rounds", done.stdout)
        self.assertIn("readahead of the device", done.stdout)
        self.assertRegex(done.stdout, r"other work on the machine: [0-9.]+ cores")
        rounds = json.loads((self.folder / "all.json").read_text())
        self.assertEqual([list(one) for one in rounds], [["fio", "Strata decode", "llama.cpp decode"],
                                                        ["llama.cpp decode", "Strata decode", "fio"]])

    def testOtherPromptsAreTraced(self):
        """Their seeds are none of those that are measured."""
        self.fakes()
        done = self.bench("--rounds=1", "--no-cgroup", "--other-prompts=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        commands = [(self.folder / f"other-prompt-{number}.trace").read_text() for number in (1, 2)]
        for seed, command in zip((1001, 1002), commands):
            self.assertIn(f"--random-prompt=16 --seed={seed} -n 4 --no-usage", command)
        strata = engines.Strata("strata-run", "m.strata", "m.gguf", None)
        self.assertIn("--random-prompt=16 --seed=3 -n 4", " ".join(map(str, strata.command(DECODE, "x", 3))))

    def testABrokenEngineIsARow(self):
        self.fakes()
        (self.folder / "strata-run").write_text("#!/bin/sh\necho 'strata-run: error: plans over tiers [A27]' >&2\nexit 3\n")
        done = self.bench("--rounds=1", "--no-cgroup", "--other-prompts=0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Strata: ended with 3: strata-run: error: plans over tiers [A27]", done.stdout)
        self.assertIn("Strata: strata-run ended with 3", self.bench("--rounds=1", "--no-cgroup").stdout)
        self.assertIn("20 tokens/s", done.stdout)

    def testSparseFilesAreRefused(self):
        self.fakes()
        model = self.folder / "sparse.gguf"
        self.succeed("make-model", "--like=deepseek-v3.1-small", "--layers=0+1", "--vocab=512", "--sparse", "-o", model)
        done = self.bench(f"--model={model}", "--no-cgroup")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("has holes", done.stderr)

    def testTheKernelsBytes(self):
        path = self.folder / "data"
        path.write_bytes(os.urandom(8 << 20))
        if models.drop_cached(path) or models.readahead(path) is None:
            self.skipTest("the test's folder is not on a disk")
        done = measured_run.run([sys.executable, "-c", f"open({str(path)!r}, 'rb').read()"], memory_group.Unlimited())
        self.assertEqual(done.code, 0, done.error)
        self.assertGreaterEqual(done.read_bytes, 8 << 20)
        self.assertGreaterEqual(models.resident_bytes(path), 8 << 20)

    def testALimitedGroup(self):
        try:
            group = memory_group.open_group(64 << 20)
        except memory_group.Refusal as refusal:
            self.assertEqual(refusal.code, 3)
            self.assertIn("--no-cgroup", str(refusal))
            self.skipTest("groups cannot be made here")
        if not isinstance(group, memory_group.OwnGroup):
            self.skipTest("only systemd can make groups here")
        try:
            done = measured_run.run([sys.executable, "-c", "x = b'x' * (16 << 20); print(len(x))"], group)
            self.assertEqual((done.code, done.out), (0, f"{16 << 20}\n"))
            if "peak" in done.memory:
                self.assertLess(16 << 20, done.memory["peak"])
            done = measured_run.run([sys.executable, "-c", "x = b'x' * (256 << 20)"], group)
            self.assertNotEqual(done.code, 0)
            self.assertGreater(done.memory["limit_hits"], 0)
        finally:
            group.close()
        self.assertFalse(group.path.exists())

    def testOtherWorkIsSeen(self):
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
            try:
                done = measured_run.run(["sleep", "1"], memory_group.Unlimited())
            finally:
                other.kill()
        self.assertGreater(done.other_cores, 0.3)

    def testTheTimeLimit(self):
        done = measured_run.run(["sleep", "60"], memory_group.Unlimited(), timeout=0.2)
        self.assertNotEqual(done.code, 0)
        self.assertIn("more than 0.2 s", measured_run.why(done))


if __name__ == "__main__":
    unittest.main()
