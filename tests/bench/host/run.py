#!/usr/bin/env python3
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures what is promised of the host's kernels and prints it as a Markdown table: goal, figure, and what it was held against.

It makes a model of V3.1's layer shapes that fits in memory, compiles it, and runs strata-bench, which alternates engines and
takes every figure beside the streaming read or the VNNI peak of the same minutes. Nothing else should run on the machine: the
load before and after stands below the table.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SHAPE = ["--like=deepseek-v3.1", "--layers=1+2", "--experts=64", "--vocab=1024"]
CONTEXT, PROMPT_TOKENS = 33024, 2048


class Failure(Exception):
    pass


def number(value, decimals=2):
    return "–" if value is None else f"{value:.{decimals}f}"


class Bench:
    """Runs strata-bench and keeps what all its rows say of the build and the machine."""

    def __init__(self, options):
        self.options = options
        self.bin = options.build / "bin"
        self.gguf = options.folder / "v31.gguf"
        self.artifact = options.folder / "v31.strata"
        self.facts = set()
        self.made = [self.artifact]  # What is deleted in the end.

    def call(self, *command):
        print("+", *command, file=sys.stderr)
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise Failure(said[-1] if said else f"{command[0]} ended with {done.returncode}")
        return done.stdout

    def prepare(self):
        self.options.folder.mkdir(parents=True, exist_ok=True)
        if not self.gguf.exists():
            self.made.append(self.gguf)
            self.call(self.bin / "make-model", *SHAPE, "-o", self.gguf)
        self.call(self.bin / "strata-compile", self.gguf, "-o", self.artifact, "--machine=host", f"--context={CONTEXT}",
                  f"--prompt-tokens={PROMPT_TOKENS}")

    def rows(self, *arguments, rounds=None):
        out = self.call(self.bin / "strata-bench", *arguments, "-r", rounds or self.options.rounds, "--output=json")
        rows = json.loads(out)
        for row in rows:
            self.facts.add(f"Strata {row['build_commit']}, {row['machine']}")
            if row.get("peer_build_commit"):
                self.facts.add(f"llama.cpp {row['peer_build_commit']}")
        return rows

    def kernels(self, only, *arguments):
        return self.rows("--kernels", "--device=host", f"--only={only}", *arguments)

    def compare(self, repack, *arguments, more="", rounds=None):
        program = self.options.llama
        if program is None:
            raise Failure("no llama-bench: give --llama=PATH")
        program = program.resolve()
        if repack and self.options.without_amx:
            program = self.options.folder / "llama-bench-without-amx"
            filtered = ROOT / "tests" / "bench" / "host" / "without_amx.py"
            program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{filtered}' '{self.options.llama.resolve()}' \"$@\"\n")
            program.chmod(0o755)
        return self.rows(self.artifact, *arguments, f"--compare={program}", f"--compare-options=--repack {int(repack)} {more}",
                         rounds=rounds)


def ratio_of(row):
    return (f"{number(row['ratio'])} ({number(row['least_ratio'])} to {number(row['most_ratio'])})",
            f"{number(row['median_ts'])} by {number(row['peer_median_ts'])} tokens/s, {row['rounds']} rounds")


def few_columns(bench):
    goals = {("i8", 1): "0.95", ("i8", 2): "0.90", ("i16", 1): "0.85", ("i16", 2): "0.88"}
    for row in bench.kernels("few columns Q4_0 K=7168 x 1", "-t", "1,2", "--activations=i8,i16"):
        key = (row["activations"], row["n_threads"])
        yield (f"few columns, K = 7168, {key[0]}, {key[1]} thr. ÷ streaming read", goals[key], number(row["of_streaming_read"]),
               f"{number(row['gb_per_s'], 1)} of {number(row['streaming_read_gb_per_s'], 1)} GB/s")


def decode(bench):
    goals = {("i8", 1): "2.2", ("i8", 2): "1.6", ("i16", 1): "2.0", ("i16", 2): "1.5"}
    arguments = ["-n", bench.options.generate, "-t", "1,2", "--activations=i8,i16"]
    for row in bench.compare(False, *arguments):
        key = (row["activations"], row["n_threads"])
        yield f"decoding, {key[0]}, {key[1]} thr., by llama.cpp --repack 0", goals[key], *ratio_of(row)


def decode_read(bench):
    goals = {"i8": "0.85", "i16": "0.80"}
    for row in bench.rows(bench.artifact, "-n", bench.options.generate, "-t", "1,2", "--activations=i8,i16"):
        yield (f"decoding, {row['activations']}, {row['n_threads']} thr. ÷ streaming read (or the ratio above)",
               goals[row["activations"]], number(row["of_streaming_read"]),
               f"{number(row['gb_per_s'], 1)} of {number(row['streaming_read_gb_per_s'], 1)} GB/s, {row['t_s']} tokens/s")


def decode_repacked(bench):
    goals = {1: "1.4", 2: "1.1"}
    for row in bench.compare(True, "-n", bench.options.generate, "-t", "1,2", "--activations=i8"):
        yield f"decoding, i8, {row['n_threads']} thr., by llama.cpp repacked", goals[row["n_threads"]], *ratio_of(row)


def prompt(tokens, plain, repacked):
    def measure(bench):
        for repack, goal in ((False, plain), (True, repacked)):
            for row in bench.compare(repack, "-p", tokens, "-t", "2"):
                yield (f"prompt of {tokens} tokens, {row['activations']}, 2 thr., by llama.cpp {'repacked' if repack else '--repack 0'}", goal,
                       *ratio_of(row))
    return measure


def many_columns(bench):
    for row in bench.kernels("many columns Q4_0 K=7168 x 64", "-t", "1,2", "--activations=i8"):
        yield (f"many columns, 64 tokens, i8, {row['n_threads']} thr. ÷ VNNI peak", "0.70", number(row["of_vnni_peak"]),
               f"{number(row['gops'], 0)} of {number(row['vnni_peak_gops'], 0)} GOPS")


def decode_8k(bench):
    # llama-bench fills its cache by running a prompt of that length.
    for row in bench.compare(False, "-n", bench.options.generate, "-t", "2", "--context-depth=8192", more="-fa on,off", rounds=2):
        yield f"decoding at 8,192 positions, {row['activations']}, 2 thr., by llama.cpp (better of -fa on and off)", "2", *ratio_of(row)


def decode_32k(bench):
    for row in bench.rows(bench.artifact, "-n", bench.options.generate, "-t", "1,2", "--context-depth=32768"):
        yield (f"decoding at 32,768 positions, {row['activations']}, {row['n_threads']} thr.", "reported",
               f"{row['t_s']} tokens/s", f"attention {number(row['attention_percent'], 0)} % of the time")


def fresh_slab(bench):
    for row in bench.kernels("fresh slab", bench.gguf, "-t", "1", "--activations=i8,i16"):
        yield (f"a slab from a fresh direct read, {row['activations']}, 1 thr.", "20 GB/s", f"{number(row['gb_per_s'], 1)} GB/s",
               f"{number(row['of_streaming_read'])} of the streaming read; {row['shape']}")


def synchronisation(bench):
    for row in bench.kernels("empty job pair", "-t", "2"):
        yield f"launch and synchronisation of a layer's two jobs, 2 thr. ({row['kernel']})", "30 us", f"{number(row['median_us'], 1)} us", ""


ROWS = {"few": few_columns, "decode": decode, "decode-read": decode_read, "decode-repacked": decode_repacked,
        "prompt-128": prompt(128, "3.2", "2"), "prompt-512": prompt(512, "4", "2.6"), "prompt-2048": prompt(2048, "4", "2.6"),
        "many": many_columns, "decode-8k": decode_8k, "decode-32k": decode_32k, "slab": fresh_slab, "sync": synchronisation}
NEED_NO_MODEL = {"few", "many", "sync"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which, of {','.join(ROWS)}; without it all")
    parser.add_argument("--llama", type=pathlib.Path, help="llama-bench; rows that compare with it are left out without one")
    parser.add_argument("--without-amx", action="store_true",
                        help="refuse AMX to llama.cpp where it repacks (without_amx.py): in AMX's layout it aborts on such models")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for the model, 3.8 GB; one that is there is used, and stays")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generate", type=int, default=32, help="tokens of a decoding row")
    parser.add_argument("--keep", action="store_true", help="do not delete the model")
    options = parser.parse_args()
    options.rows = options.rows.split(",")
    if unknown := [name for name in options.rows if name not in ROWS]:
        parser.error(f"there is no row {unknown[0]}: choose of {', '.join(ROWS)}")
    return options


def main():
    options = arguments()
    bench = Bench(options)
    before, begun = os.getloadavg(), time.monotonic()
    failed = False
    print("| what | goal | measured | |\n|---|---|---|---|", flush=True)
    try:
        if not NEED_NO_MODEL.issuperset(options.rows):
            bench.prepare()
        for name in options.rows:
            try:
                for row in ROWS[name](bench):
                    print("|", " | ".join(row), "|", flush=True)
            except Failure as failure:
                failed = True
                print(f"| {name} | | not measured | {failure} |", flush=True)
    except Failure as failure:
        sys.exit(f"run.py: error: {failure}")
    finally:
        if not options.keep:
            for path in bench.made:
                path.unlink(missing_ok=True)
    print(f"\n{'; '.join(sorted(bench.facts))}. Medians of {options.rounds} rounds, for ratios with the least and most of a round. "
          f"Load {before[0]:.1f} before and {os.getloadavg()[0]:.1f} after; {time.monotonic() - begun:.0f} s.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
