# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-bench on the host: whole models, the comparison with another engine, and what it refuses."""
import csv
import io
import json
import pathlib
import platform
import subprocess
import sys
import unittest

from strata_test import BIN, SOURCE, TINY, ToolTest

FAKE = pathlib.Path(__file__).parent / "Inputs" / "fake_llama_bench.py"


class BenchHost(ToolTest):
    def rows(self, *arguments, **options):
        return json.loads(self.succeed("strata-bench", *arguments, "--output=json", **options).out)

    def testEveryCombinationIsARow(self):
        rows = self.rows(self.compile(), "-p", "4,9", "-n", "3", "--context-depth=0,70", "-t", "1,2", "--activations=i8,f32",
                         "--repetitions=2", "--isa=portable", "--kv=f32")
        tests = ["pp4", "pp9", "tg3", "pp4 @ d70", "pp9 @ d70", "tg3 @ d70"]
        self.assertEqual([(row["n_threads"], row["activations"], row["test"]) for row in rows],
                         [(threads, activations, test) for threads in (1, 2) for activations in ("i8", "f32") for test in tests])
        for row in rows:
            self.assertEqual((row["n_prompt"] > 0) + (row["n_gen"] > 0), 1)
            self.assertEqual(row["n_depth"], 70 if "@" in row["test"] else 0)
            self.assertEqual((row["backend"], row["type_kv"], row["device"]), ("portable", "f32", "host"))
            self.assertEqual((row["model"], row["model_type"]), ("tiny.Q4_0.gguf", "deepseek2 Q4_0"))
            self.assertRegex(row["build_commit"], r"^([0-9a-f]{9,}(-dirty)?|unknown)$")
            self.assertRegex(row["machine"], r"^.+, \d+ cores?, \d+\.\d GiB$")
            self.assertEqual((len(row["samples_ts"]), len(row["samples_ns"])), (2, 2))
            tokens = row["n_prompt"] + row["n_gen"]
            for nanoseconds, speed in zip(row["samples_ns"], row["samples_ts"], strict=True):
                self.assertAlmostEqual(speed, tokens / nanoseconds * 1e9, delta=speed * 1e-6)
            self.assertAlmostEqual(row["avg_ts"], sum(row["samples_ts"]) / 2)
            self.assertLess(0, row["attention_percent"] + row["experts_percent"])
            self.assertLess(row["attention_percent"] + row["experts_percent"], 100)
            decodes = row["n_gen"] > 0
            for key in ("weight_bytes_per_token", "gb_per_s", "streaming_read_gb_per_s", "of_streaming_read"):
                self.assertEqual(row[key] is not None, decodes, key)
        # The model's file holds them, and some metadata.
        self.assertLess(rows[0]["model_size"], TINY.stat().st_size)
        self.assertGreater(rows[0]["model_size"], 0.8 * TINY.stat().st_size)

    def testADepthIsAttendedTo(self):
        rows = self.rows(self.compile(), "-n", "16", "-p", "16", "--context-depth=0,2000", "-t", "1", "-r", "3")
        for name in ("tg16", "pp16"):
            attention = [row["attention_percent"] for row in rows if row["test"].startswith(name)]
            self.assertLess(3 * attention[0], attention[1], name)

    def testActivationsOfTheArtifact(self):
        rows = self.rows(self.compile(), "-p", "2", "-n", "2", "-r", "1")
        self.assertEqual([row["activations"] for row in rows], ["i8", "i16"])

    def testOnlyWhatIsAskedFor(self):
        artifact = self.compile()
        self.assertEqual([row["test"] for row in self.rows(artifact, "-n", "2", "-r", "1")], ["tg2"])
        self.assertEqual([row["test"] for row in self.rows(artifact, "-p", "2", "-n", "0", "-r", "1")], ["pp2"])
        self.assertEqual([row["test"] for row in self.rows(artifact, "-r", "1")], ["pp512", "tg128"])

    def testTables(self):
        arguments = [self.compile(), "-p", "2", "-n", "2", "-r", "2"]
        rows = self.rows(*arguments)
        again = list(csv.DictReader(io.StringIO(self.succeed("strata-bench", *arguments, "--output=csv").out)))
        self.assertEqual([list(row) for row in rows], [list(row) for row in again])
        self.assertEqual(len(again[0]["samples_ts"].split()), 2)
        lines = self.succeed("strata-bench", *arguments).out.splitlines()
        table = lines[:lines.index("")]
        self.assertEqual([word.strip() for word in table[0].split("|")[1:8]],
                         ["model", "size", "params", "backend", "threads", "activations", "kv"])
        self.assertEqual(len({len(line) for line in table}), 1)
        self.assertRegex(table[2], r"\| pp2 +\| \d+\.\d\d ± \d+\.\d\d +\|")
        self.assertRegex(lines[-1], r"^build \S+, machine .*, model tiny\.Q4_0\.gguf, device host$")

    def testKernels(self):
        rows = self.rows(TINY, "--kernels", "--device=host", "-t", "1,2", "--activations=i8", "-r", "2",
                         "--only=many columns Q4_0 K=7168 x 16,job pair,MoE,fresh slab")
        names = ["many columns Q4_0 K=7168 x 16", "MoE layer", "fresh slab", "empty job pair", "empty job pair after 100 us"]
        self.assertEqual([(row["n_threads"], row["kernel"]) for row in rows],
                         [(threads, name) for threads in (1, 2) for name in names])
        for row in rows:
            self.assertEqual((row["device"], row["model"], len(row["samples_us"])), ("host", "tiny.Q4_0.gguf", 2))
            self.assertAlmostEqual(row["median_us"], sum(row["samples_us"]) / 2)
            memory, vnni = row["kernel"] in ("MoE layer", "fresh slab"), row["kernel"].startswith("many")
            self.assertEqual(row["streaming_read_gb_per_s"] is not None, memory)
            self.assertEqual(row["of_streaming_read"] is not None, memory)
            self.assertEqual(row["gb_per_s"] is not None, memory or vnni)
            if row["kernel"] == "MoE layer":  # 9 experts of 3 slabs, 18 bytes for 32 weights.
                self.assertAlmostEqual(row["gb_per_s"] * row["median_us"] * 1e3, 9 * 3 * 2048 * 7168 * 18 / 32, delta=1)
            if vnni:
                self.assertAlmostEqual(row["gops"] * row["median_us"] * 1e3, 2 * 2048 * 7168 * 16, delta=1)
                self.assertEqual(row["vnni_peak_gops"] is not None, row["isa"] == "avx512")
            if row["of_vnni_peak"] is not None:
                self.assertLess(0, row["of_vnni_peak"])

    def testFiguresForAMachineFile(self):
        file = self.folder / "machine.json"
        file.write_text(json.dumps(json.loads(self.succeed("strata-plan", TINY, "--machine=host", "--json").out)["machine"]))
        before = json.loads(file.read_text())
        rows = self.rows("--kernels", "--device=host", "-r", "2", "-t", "1", "--only=x 64,prompt attention", f"--machine-file={file}")
        after = json.loads(file.read_text())
        gops = {row["kernel"]: row["gops"] for row in rows if row["activations"] in (None, "i8")}
        for key, kernel in (("product_rate", "many columns Q4_0 K=7168 x 64"), ("attention_rate", "prompt attention 2048 positions")):
            measured = after.pop(key)["measured"]
            self.assertAlmostEqual(float(measured.removesuffix("OPS")) / 1e9, gops[kernel], delta=0.6)
            before.pop(key)
        self.assertEqual(before, after)
        kernels = ["strata-bench", "--kernels", "--device=host", "--only=job pair"]
        self.refuse(2, "", *kernels, "-t", "1,2", f"--machine-file={file}")
        file.write_text("{}")
        self.refuse(1, "", *kernels, "-t", "1", f"--machine-file={file}")

    def testKernelsThatAreRefused(self):
        kernels = ["--kernels", "--device=host"]
        for options in (["-n", "2"], ["--tokens=2"], ["--compare=a"], ["--only=no such"], ["--only=fresh slab"]):
            self.refuse(2, "", "strata-bench", *kernels, *options)
        self.refuse(2, "", "strata-bench", self.compile(), "--only=MoE")
        self.refuse(1, "", "strata-bench", self.folder / "missing.gguf", *kernels)
        self.refuse(1, "", "strata-bench", self.compile(), *kernels)

    def fake(self, behaviour=""):
        """A program that takes llama-bench's arguments, writes them down, and behaves so."""
        program = self.folder / f"llama-bench-{behaviour}"
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -B {FAKE} {self.folder / 'calls'} '{behaviour}' \"$@\"\n")
        program.chmod(0o755)
        return program

    def testComparison(self):
        options = [self.compile(), "-p", "4", "-n", "2,3", "-t", "1", "--context-depth=5", "-r", "3"]
        result = self.succeed("strata-bench", *options, f"--compare={self.fake()}", "--compare-options=--repack 0  -fa on,off",
                              "--output=json")
        rows = json.loads(result.out)
        self.assertEqual([row["test"] for row in rows], ["pp4 @ d5", "tg2 @ d5", "tg3 @ d5"])
        for row in rows:
            self.assertEqual((row["rounds"], len(row["samples_ts"])), (3, 3))
            # The fake's speeds are 10 for its first call, 11, ...; of its two rows a call the second is faster by 100.
            first = 110 + 3 * rows.index(row)
            self.assertEqual(row["peer_samples_ts"], [first, first + 1, first + 2])
            self.assertEqual(row["peer_median_ts"], first + 1)
            self.assertEqual(row["median_ts"], sorted(row["samples_ts"])[1])
            self.assertAlmostEqual(row["ratio"], row["median_ts"] / row["peer_median_ts"])
            ratios = [own / peer for own, peer in zip(row["samples_ts"], row["peer_samples_ts"], strict=True)]
            self.assertAlmostEqual(row["least_ratio"], min(ratios))
            self.assertAlmostEqual(row["most_ratio"], max(ratios))
            self.assertEqual((row["peer_build_commit"], row["peer_options"]), ("abc1234", "--repack 0  -fa on,off"))
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        self.assertEqual(len(calls), 9)
        self.assertEqual(calls[0], ["-m", str(TINY), "-p", "4", "-n", "0", "-d", "5", "-t", "1", "-r", "1", "-o", "json",
                                    "--repack", "0", "-fa", "on,off"])
        self.assertIn("round 3 of 3", result.error)
        table = self.succeed("strata-bench", *options, f"--compare={self.fake()}").out
        self.assertIn("llama.cpp t/s", table.splitlines()[0])
        self.assertIn("\nllama.cpp abc1234 \n", table)

    def testPeersThatFail(self):
        options = [self.compile(), "-n", "2", "-r", "1"]
        for behaviour, said in (("fail", 'ended with exit code 7 and said "out of luck"; the command was: '),
                                ("abort", "was ended by signal 6"), ("silent", "is not the json of llama-bench"),
                                ("nonsense", "is not the json of llama-bench"), ("zero", "is not the json of llama-bench")):
            error = self.refuse(1, "", "strata-bench", *options, f"--compare={self.fake(behaviour)}").error
            self.assertIn(said, error)
        notAProgram = self.folder / "text"
        notAProgram.write_text("no program\n")
        notAProgram.chmod(0o755)
        error = self.refuse(1, "", "strata-bench", *options, f"--compare={notAProgram}").error
        self.assertIn("cannot be started", error)
        for missing in (self.folder / "missing", TINY):
            error = self.refuse(2, "", "strata-bench", *options, f"--compare={missing}").error
            self.assertIn("there is no program", error)

    def table(self, *arguments):
        command = [sys.executable, "-B", SOURCE / "tests" / "bench" / "host" / "run.py", f"--build={BIN.parent}", *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)

    def testTheTableOfGoals(self):
        result = self.table(f"--folder={self.folder}", "--rows=sync", "--rounds=2")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:2], ["| what | goal | measured | |", "|---|---|---|---|"])
        self.assertRegex(lines[2], r"^\| launch and synchronisation .* \| 30 us \| \d+\.\d us \|  \|$")
        self.assertRegex(lines[-1], r"^Strata \S+, .* GiB\. Medians of 2 rounds, .* Load \d+\.\d before and \d+\.\d after")
        self.assertEqual(list(self.folder.iterdir()), [])
        self.assertEqual(self.table(f"--folder={self.folder}", "--rows=sync,no-such").returncode, 2)

    @unittest.skipUnless(platform.machine() == "x86_64", "AMX is of x86-64")
    def testWithoutAmx(self):
        ask = "import ctypes, sys; c = ctypes.CDLL(None, use_errno=True); r = c.syscall(158, int(sys.argv[1], 16), 18); print(r, ctypes.get_errno())"
        filtered = SOURCE / "tests" / "bench" / "host" / "without_amx.py"
        out = [subprocess.run([sys.executable, "-B", filtered, sys.executable, "-c", ask, request], capture_output=True, text=True).stdout
               for request in ("1023", "ffff")]
        self.assertEqual(out, ["-1 1\n", "-1 22\n"])  # EPERM of the filter, EINVAL of the system.

    def testRefusals(self):
        missing = self.folder / "missing.strata"  # Looked for only when the command line is right.
        for options in (["-p", "x"], ["-p=-1"], ["-n", "1,x"], ["-p", "0", "-n", "0"], ["-t", "0"], ["-t", "5000"], ["-r", "0"],
                        ["--activations=i4"], ["--isa=sse"], ["--kv=i8"], ["--output=xml"], ["--device=sim"], ["--device=cuda"],
                        ["--tokens=4"], ["--compare-options=-fa on"], ["--kernels", "--device=sim", "-n", "3"],
                        ["--kernels", "--device=sim", "-t", "2"]):
            self.refuse(2, "", "strata-bench", missing, *options)
        self.refuse(2, "", "strata-bench", "-n", "3")
        self.refuse(1, "", "strata-bench", missing, "-n", "3")
        artifact = self.compile(TINY, "--context=16")
        error = self.refuse(1, "", "strata-bench", artifact, "-n", "9", "--context-depth=8").error
        self.assertIn("tg9 @ d8 needs 17 positions and the artifact's context has 16: compile the model with --context=17", error)
        self.succeed("strata-bench", artifact, "-n", "8", "--context-depth=8", "-r", "1")

    def testAnArtifactOfAGpu(self):
        artifact = self.folder / "gpu.strata"
        self.succeed("strata-compile", TINY, "-o", artifact, "--machine=v100s-32g", "--context=128")
        error = self.refuse(3, "", "strata-bench", artifact, "-n", "2").error
        self.assertIn("compile the model with --machine=host", error)


if __name__ == "__main__":
    unittest.main()
