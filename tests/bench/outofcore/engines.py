# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who is measured: their command lines, and what of their output and of the kernel's counters is taken.

A measurement is a dictionary: `tokens_per_second` and `seconds` of the phase that is measured, `bytes` that the kernel read in
it, `total_bytes` and `total_seconds` of the whole process, `peak` and `limit_hits` of its group; of Strata, `stats` too, and how many
cores worked on something else. Without a result it has `reason`.
"""
import dataclasses
import functools
import json
import pathlib
import subprocess
import tempfile

from measured_run import run, why

DECODE_PROMPT = 16  # Tokens before those that are generated.


@dataclasses.dataclass(frozen=True)
class Work:
    """A prompt of random tokens, or tokens generated one by one."""

    name: str
    tokens: int
    decodes: bool = False


def measurement(finished, tokens, seconds, phase_bytes):
    return {"tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds, "bytes": phase_bytes,
            "total_bytes": finished.read_bytes, "total_seconds": finished.seconds, "other_cores": finished.other_cores, **finished.memory}


def failed(finished, reason=None):
    return {"reason": reason or why(finished), "total_bytes": finished.read_bytes, "total_seconds": finished.seconds,
            **finished.memory}


class Llama:
    """llama-bench with mapped weights, as llama.cpp runs a model without options. Its prompts run without a warm-up, which would
    run them twice; generation has one token of it."""

    name = "llama.cpp"
    MARKS = {"start": r"llama-bench: benchmark \d+/\d+: (generation|prompt) run"}

    def __init__(self, program, model, threads, extra=()):
        self.program, self.model, self.threads, self.extra = program, model, threads, list(extra)

    @functools.cached_property
    def options(self):
        done = subprocess.run([self.program, "--help"], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def command(self, work):
        mapped = ["-lm", "mmap"] if "--load-mode" in self.options else ["-mmp", "1"]
        repack = ["--repack", "0"] if "--repack" in self.options else []  # It copies weights, and aborts on some machines.
        length = ["-p", 0, "-n", work.tokens] if work.decodes else ["-p", work.tokens, "-n", 0, "--no-warmup"]
        threads = ["-t", self.threads] if self.threads else []
        return [self.program, "-m", self.model, *length, *mapped, *repack, *threads, "-r", 1, "--progress", "-o", "json", *self.extra]

    def measure(self, work, group, timeout, _):
        finished = run(self.command(work), group, self.MARKS, timeout)
        return self.parse(finished, work)

    def parse(self, finished, work):
        if finished.code != 0:
            return failed(finished)
        try:
            (row,) = json.loads(finished.out)
            seconds = row["avg_ns"] / 1e9
            if seconds <= 0 or row["n_gen" if work.decodes else "n_prompt"] != work.tokens:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return failed(finished, "its output is not that of llama-bench -o json")
        if "start" not in finished.marks:
            return failed(finished, "it did not say when it started (--progress)")
        start = finished.marks["start"]
        return measurement(finished, work.tokens, seconds, finished.bytes_between(start, start + seconds))


class Strata:
    """strata-run with an artifact. The only place that knows its command line and the form of its --stats --json."""

    name = "Strata"

    def __init__(self, program, artifact, model, threads, extra=()):
        self.program, self.artifact, self.model, self.threads, self.extra = program, artifact, model, threads, list(extra)

    def arguments(self, work, seed):
        prompt, generated = (DECODE_PROMPT, work.tokens) if work.decodes else (work.tokens, 1)
        return [self.artifact, f"--weights={self.model}", f"--random-prompt={prompt}", f"--seed={seed}", "-n", generated, "--no-usage"]

    def command(self, work, stats, seed):
        threads = [f"--threads={self.threads}"] if self.threads else []
        return [self.program, *self.arguments(work, seed), *threads, "--stats", "--json", f"--stats-file={stats}", *self.extra]

    def tracing(self, work, seed, trace):
        """The arguments for a run that only writes which experts are used."""
        return [*self.arguments(work, seed), f"--trace={trace}"]

    def measure(self, work, group, timeout, seed):
        """Another prompt for every seed."""
        with tempfile.TemporaryDirectory() as folder:
            stats = pathlib.Path(folder) / "stats.json"
            finished = run(self.command(work, stats, seed), group, None, timeout)
            if not stats.exists():
                return self.parse(finished, work, None, 0)
            return self.parse(finished, work, stats.read_text(), stats.stat().st_mtime - finished.started)

    def parse(self, finished, work, text, written):
        """`written`: when the text was, in seconds since the start; the phases were over then and memory not yet given back."""
        if finished.code != 0:
            return failed(finished)
        phase = "decode" if work.decodes else "prompt"
        try:
            stats = json.loads(text)
            tokens, seconds = stats[phase]["tokens"], stats[phase]["seconds"]
            if tokens <= 0 or seconds <= 0 or not isinstance(stats.get("predicted", {}), dict):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return failed(finished, f"its --stats-file has no {phase} with tokens and seconds")
        end = min(finished.seconds, written)
        if not work.decodes:
            end -= max(0, stats.get("decode", {}).get("elapsed_seconds", 0))  # Of the one token after the prompt.
        read = finished.bytes_between(max(0, end - stats[phase].get("elapsed_seconds", seconds)), end)
        return {**measurement(finished, tokens, seconds, read), "stats": stats}


class Fio:
    """Random direct reads of the same file, as large as a slab: the most that a program can get."""

    name = "fio"
    CANDIDATES = tuple({"ioengine": engine, "iodepth": depth, "numjobs": jobs}
                       for engine, depth, jobs in (("io_uring", 8, 1), ("io_uring", 16, 1), ("libaio", 8, 1), ("psync", 1, 8)))

    def __init__(self, program, model, block, seconds):
        self.program, self.model, self.block, self.seconds, self.best = program, model, block // 4096 * 4096, seconds, None

    def command(self, setting, seconds):
        options = [f"--{key}={value}" for key, value in setting.items()]
        return [self.program, "--name=slabs", f"--filename={self.model}", "--readonly", "--direct=1", "--rw=randread", "--thread",
                f"--bs={self.block}", "--time_based", f"--runtime={seconds}", "--group_reporting", "--output-format=json", *options]

    @staticmethod
    def parse(finished):
        if finished.code != 0:
            return failed(finished)
        try:
            (job,) = json.loads(finished.out[finished.out.index("{"):])["jobs"]
            read = job["read"]
            return measurement(finished, 0, read["runtime"] / 1000, read["io_bytes"]) | {"gbps": read["bw_bytes"] / 1e9}
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            return failed(finished, "its output is not that of fio --output-format=json")

    def choose(self, group_of):
        """The best setting, tried once each for a short time; returns all results, as text."""
        tried = []
        for setting in self.CANDIDATES:
            with group_of() as group:
                result = self.parse(run(self.command(setting, 2), group, None, 60))
            name = "{ioengine} x {iodepth} x {numjobs}".format(**setting)
            tried.append(f"{name} {result['gbps']:.2f}" if "gbps" in result else f"{name} {result['reason']}")
            if "gbps" in result and (self.best is None or result["gbps"] > self.best[0]):
                self.best = (result["gbps"], setting)
        return tried

    def measure(self, group):
        if self.best is None:
            return {"reason": "no setting of it works here"}
        return self.parse(run(self.command(self.best[1], self.seconds), group, None, self.seconds + 60))
