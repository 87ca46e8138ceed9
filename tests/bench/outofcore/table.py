# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table: what was measured against what it should reach. Medians; ratios are medians of the rounds' own ratios."""
import statistics

NO_FIGURE = "not measured"


def values(rounds, engine, key, *path):
    """Of every round that has it: (round's number, value)."""
    found = []
    for number, results in enumerate(rounds):
        value = results.get((engine, key), {})
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:  # -1 is "not measured".
            found.append((number, value))
    return found


def median(found):
    return statistics.median(value for _, value in found) if found else None


def paired(left, right):
    """Median of left / right of the rounds that have both."""
    other = dict(right)
    ratios = [value / other[number] for number, value in left if other.get(number)]
    return statistics.median(ratios) if ratios else None


def reason(rounds, engine, key):
    for results in rounds:
        result = results.get((engine, key))
        if result is not None and "reason" in result:
            return f"{engine}: {result['reason']}"
    return f"{engine}: not run" if not any((engine, key) in results for results in rounds) else f"{engine}: no such figure"


def row(what, goal, strata, other, figure, good):
    return {"what": what, "reach": goal, "Strata": strata, "against": other, "figure": figure,
            "reached": "yes" if good else "**no**"}


def unmeasured(what, goal, why, strata="", other=""):
    return {"what": what, "reach": goal, "Strata": strata, "against": other, "figure": NO_FIGURE, "reached": why}


def speed(found):
    return "" if not found else f"{median(found):.3g} tokens/s"


def gigabytes(value):
    return f"{value / 1e9:.3g} GB"


class Table:
    """`rounds`: a list of dictionaries from (engine, work) to a measurement. `plan`: what was
    predicted: `bytes` and `tokens_per_second` of a token, `prompts` with seconds by their tokens, or a `reason`. `gops`: 10^9 operations a second, if they are known;
    `attention_gops`: those of attention, which else count nothing."""

    def __init__(self, rounds, model, ram, decode, plan, gops=None, attention_gops=None):
        self.rounds, self.model, self.ram, self.decode, self.plan = rounds, model, ram, decode, plan
        self.gops, self.attention_gops = gops, attention_gops

    def get(self, engine, work, *path):
        return values(self.rounds, engine, work, *path)

    def why(self, *wanted):
        """The first of (engine, work) that has no result."""
        for engine, work in wanted:
            if not any("reason" not in results.get((engine, work), {"reason": ""}) for results in self.rounds):
                return reason(self.rounds, engine, work)
        return "no such figure"

    def against(self, what, work, goal):
        left, right = self.get("Strata", work, "tokens_per_second"), self.get("llama.cpp", work, "tokens_per_second")
        ratio = paired(left, right)
        if ratio is None:
            return unmeasured(what, f"{goal} x", self.why(("Strata", work), ("llama.cpp", work)), speed(left), speed(right))
        return row(what, f"{goal} x", speed(left), speed(right), f"{ratio:.2f} x", ratio >= goal)

    def explained(self):
        """The speed that the bytes explain: 0.9 x (our GB/s / its GB/s) x (its bytes per token / ours)."""
        what, goal = "decode: the ratio of speeds, of what GB/s and bytes explain", "0.9"
        work = self.decode
        shares = []
        for results in self.rounds:
            ours, its = results.get(("Strata", work), {}), results.get(("llama.cpp", work), {})
            if ours.get("bytes") and its.get("bytes"):
                rate = (ours["bytes"] / ours["seconds"]) / (its["bytes"] / its["seconds"])
                size = (its["bytes"] / its["tokens"]) / (ours["bytes"] / ours["tokens"])
                shares.append(ours["tokens_per_second"] / its["tokens_per_second"] / (rate * size))
        parts = [self.traffic(engine) for engine in ("Strata", "llama.cpp")]
        if not shares:
            return unmeasured(what, goal, self.why(("Strata", work), ("llama.cpp", work)), *parts)
        share = statistics.median(shares)
        return row(what, goal, *parts, f"{share:.2f}", share >= 0.9)

    def traffic(self, engine):
        read, tokens, seconds = (self.get(engine, self.decode, key) for key in ("bytes", "tokens", "seconds"))
        if not (read and tokens and seconds):
            return ""
        return f"{gigabytes(paired(read, tokens))} a token, {paired(read, seconds) / 1e9:.3g} GB/s"

    def waiting(self):
        what, goal = "decode: disk GB/s while waiting, against fio", "90 %"
        ours, fio = self.get("Strata", self.decode, "stats", "decode", "disk_gbps_waiting"), self.get("fio", "", "gbps")
        ratio = paired(ours, fio)
        shown = [f"{median(found):.3g} GB/s" if found else "" for found in (ours, fio)]
        if ratio is None:
            return unmeasured(what, goal, self.why(("Strata", self.decode), ("fio", "")), *shown)
        return row(what, goal, *shown, f"{100 * ratio:.1f} %", ratio >= 0.9)

    def token_bytes(self):
        read = paired(self.get("Strata", self.decode, "bytes"), self.get("Strata", self.decode, "tokens"))
        yield "decode: bytes per token, of the plan's misses", "101 %", read, self.plan.get("bytes"), gigabytes, lambda part: part <= 1.01
        yield "prediction: bytes per token", "2 %", read, self.plan.get("bytes"), gigabytes, lambda part: abs(1 / part - 1) <= 0.02
        yield ("prediction: tokens/s", "15 %", median(self.get("Strata", self.decode, "tokens_per_second")),
               self.plan.get("tokens_per_second"), "{:.3g} tokens/s".format, lambda part: abs(1 / part - 1) <= 0.15)

    def planned(self):
        """A token's bytes and time against the plan's; of a prediction, the deviation is that of the plan from the measurement."""
        for what, goal, real, guess, show, good in self.token_bytes():
            shown = ["" if value is None else show(value) for value in (real, guess)]
            if not real or not guess:
                missing = self.plan.get("reason", "the plan reads nothing") if real else self.why(("Strata", self.decode))
                yield unmeasured(what, goal, missing, *shown)
                continue
            figure = f"{100 * (guess / real - 1):+.1f} %" if what.startswith("prediction") else f"{100 * real / guess:.1f} %"
            yield row(what, goal, *shown, figure, good(real / guess))

    def prompt_bytes(self, work):
        what, goal = f"{work}: bytes read, of the model's", "102 %"
        read, its = median(self.get("Strata", work, "total_bytes")), median(self.get("llama.cpp", work, "total_bytes"))
        shown = [gigabytes(value) if value is not None else "" for value in (read, its)]
        if not self.get("Strata", work, "seconds"):
            return unmeasured(what, goal, self.why(("Strata", work)), "", shown[1])
        share = read / self.model.bytes
        return row(what, goal, *shown, f"{100 * share:.1f} %", share <= 1.02)

    def prompt_time(self, work, tokens):
        what, goal = f"{work}: time, of max(bytes / fio's GB/s, operations / GOPS)", "125 %"
        seconds, read, fio = (median(self.get("Strata", work, "seconds")), median(self.get("Strata", work, "bytes")),
                              median(self.get("fio", "", "gbps")))
        if seconds is None or read is None or fio is None:
            return unmeasured(what, goal, self.why(("Strata", work), ("fio", "")))
        if self.gops is None:
            return unmeasured(what, goal, "--gops=: give what strata-bench measures on all threads", f"{seconds:.3g} s")
        computing = tokens * self.model.operations_per_token / (self.gops * 1e9)
        if self.attention_gops:
            computing += self.model.attention_operations(tokens) / (self.attention_gops * 1e9)
        bound = max(read / (fio * 1e9), computing)
        return row(what, goal, f"{seconds:.3g} s", f"{bound:.3g} s", f"{100 * seconds / bound:.0f} %", seconds <= 1.25 * bound)

    def same_bytes(self, short, long):
        what, goal = f"{long}: bytes read, of those of {short}", "98 to 102 %"
        ratio = paired(self.get("Strata", long, "bytes"), self.get("Strata", short, "bytes"))
        if ratio is None:
            return unmeasured(what, goal, self.why(("Strata", long), ("Strata", short)))
        return row(what, goal, "", "", f"{100 * ratio:.1f} %", 0.98 <= ratio <= 1.02)

    def first_token(self, work, tokens):
        what, goal = f"prediction: first token, {work}", "15 %"
        ours, guess = median(self.get("Strata", work, "seconds")), self.plan.get("prompts", {}).get(tokens)
        shown = ["" if value is None else f"{value:.3g} s" for value in (ours, guess)]
        if ours is None:
            return unmeasured(what, goal, self.why(("Strata", work)), *shown)
        if guess is None:
            return unmeasured(what, goal, self.plan.get("reason", f"the plan says nothing of {tokens} tokens"), *shown)
        return row(what, goal, *shown, f"{100 * (guess / ours - 1):+.1f} %", abs(guess / ours - 1) <= 0.15)

    def memory(self):
        what, goal = "peak of the cgroup, page cache included", f"below {self.ram / 2**30:.3g} GiB, limit never hit"
        peaks, hits, its = {}, 0, {}
        for results in self.rounds:
            for (engine, work), result in results.items():
                if "peak" in result and engine != "fio":
                    which = peaks if engine == "Strata" else its
                    which[work] = max(which.get(work, 0), result["peak"])
                    hits += result.get("limit_hits", 0) if engine == "Strata" else 0
        other = f"{max(its.values()) / 2**30:.2f} GiB" if its else ""
        ran = {(engine, work) for results in self.rounds for (engine, work), result in results.items()
               if engine == "Strata" and "reason" not in result}
        if not ran:
            return unmeasured(what, goal, reason(self.rounds, "Strata", self.decode), "", other)
        if not peaks:
            return unmeasured(what, goal, "memory was not limited, or its group counts no peak", "", other)
        peak = max(peaks.values())
        return row(what, goal, f"{peak / 2**30:.2f} GiB, {hits} hits", other, f"{100 * peak / self.ram:.0f} %",
                   peak < self.ram and hits == 0)

    def rows(self, works):
        """Of the kinds of work that were asked for."""
        names = {work.name: work for work in works}
        if self.decode in names:
            yield self.against("decode against llama.cpp", self.decode, 2.5)
            yield self.explained()
            yield self.waiting()
            yield from self.planned()
        prompts = sorted((work for work in works if not work.decodes), key=lambda work: work.tokens)
        for work in prompts:
            yield self.against(f"{work.name} against llama.cpp", work.name, 3 if work.tokens < 2048 else 6)
            yield self.prompt_bytes(work.name)
            yield self.prompt_time(work.name, work.tokens)
            yield self.first_token(work.name, work.tokens)
        if len(prompts) > 1:
            yield self.same_bytes(prompts[0].name, prompts[-1].name)
        yield self.memory()


def markdown(rows):
    columns = ["what", "reach", "Strata", "against", "figure", "reached"]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for one in rows:
        lines.append("| " + " | ".join(str(one[column]).replace("|", "\\|") for column in columns) + " |")
    return "\n".join(lines)
