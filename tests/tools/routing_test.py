# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a run's routing to a plan: --trace, the usage file, --replay, and what is refused."""
import ctypes
import json
import pathlib
import re
import struct
import subprocess
import unittest

from strata_test import BIN, MODELS, TINY, ToolTest, run

TOKENS = ["--tokens", "1,2,3,4,5", "-n", "40"]
HEADER = 64
PLAN = ["strata-plan", TINY, "--machine=host"]


def xxh3(content):
    function = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    function.restype, function.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t)
    return function(content, len(content))


class Routing(ToolTest):
    def record(self, artifact, name="x.trace", *options):
        trace = self.folder / name
        out = self.succeed("strata-run", artifact, *TOKENS, f"--trace={trace}", *options).out
        return trace, out

    def counted(self, path):
        """Tokens and the sum of the counters of a usage file, read without our code."""
        content = path.read_bytes()
        numbers = struct.unpack(f"<{(len(content) - HEADER - 8) // 8}Q", content[HEADER:-8])
        return numbers[0], sum(numbers[1:])

    def testATraceIsReplayedAndPlannedBy(self):
        artifact = self.compile()
        trace, out = self.record(artifact)
        self.assertEqual(out, self.succeed("strata-run", artifact, *TOKENS, "--no-usage").out, "recording changes nothing")
        again, _ = self.record(artifact, "y.trace", "--threads=3")
        self.assertEqual(trace.read_bytes(), again.read_bytes())
        text = self.succeed(*PLAN, "--replay", trace).out
        self.assertIn("5 prompt tokens are left out", text)
        self.assertRegex(text, r"slots +share +pinned +lru +lfu +pinned-lru +clairvoyant")
        self.assertIn("held out: counted with the first", text)
        for option in (trace, f"{artifact}.usage"):
            self.assertIn("as the usage counts have it", self.succeed(*PLAN, f"--trace={option}").out)

    def testACacheIsPredictedByReplay(self):
        """A trace has an order, counts have none; what is pinned needs none. Better by counts is said less chance."""
        artifact = self.compile()
        trace, _ = self.record(artifact)
        small = ["strata-plan", TINY, "--machine=host", "--ram=261MiB", "--ram-head-room=1KiB", "--context=64"]
        for name in ("lru", "lfu", "pinned-lru"):
            option = f"--cache-policy={name}"
            replayed = self.succeed(*small, option, f"--trace={trace}").out
            self.assertRegex(replayed, rf"% hits \({name}\), by a replay of the trace\n")
            counted = self.succeed(*small, option, f"--trace={artifact}.usage").out
            self.assertRegex(counted, rf"% hits \({name}\), as the usage counts have it\n")
        text = self.succeed(*small, f"--trace={trace}").out
        self.assertRegex(text, r"% hits \(pinned\), as the usage counts have it\n +less chance [\d.]+ tok/s with [\d.]+ %; "
                               r"lru without the counts [\d.]+ tok/s with [\d.]+ %\n")
        gain = json.loads(self.succeed(*small, f"--trace={trace}", "--json").out)["usage_gain"]
        plain = json.loads(self.succeed(*small, f"--trace={trace}", "--json").out)["prediction"]["traced"]
        self.assertLess(gain["pinned_by_counts"]["hit_rate"], plain["hit_rate"], "40 tokens are few")

    def testSeveralCountTogether(self):
        """Two traces are as one that has both; beside a usage file they have no order."""
        artifact = self.compile()
        first, _ = self.record(artifact, "1.trace", "--no-usage")
        second = self.folder / "2.trace"
        self.succeed("strata-run", artifact, "--tokens", "9,8,7", "-n", "25", f"--trace={second}")
        usage = self.folder / "2.usage"
        usage.write_bytes(pathlib.Path(f"{artifact}.usage").read_bytes())
        both = self.folder / "both.trace"
        content = first.read_bytes()[:-8] + second.read_bytes()[HEADER:-8]
        both.write_bytes(content + struct.pack("<Q", xxh3(content)))
        small = ["strata-plan", TINY, "--machine=host", "--ram=261MiB", "--ram-head-room=1KiB", "--context=64"]

        def hits(policy, *traces):
            options = [f"--cache-policy={policy}", *(f"--trace={trace}" for trace in traces)]
            return json.loads(self.succeed(*small, *options, "--json").out)["prediction"]["traced"]["hit_rate"]
        self.assertEqual(hits("lru", first, second), hits("lru", both))
        self.assertNotEqual(hits("lru", first), hits("lru", both))
        self.assertEqual(hits("pinned", first, usage), hits("pinned", both))
        mixed = self.succeed(*small, "--cache-policy=lru", f"--trace={first}", f"--trace={usage}").out
        self.assertRegex(mixed, r"% hits \(lru\), as the usage counts have it\n")

    def testTheCompilerPinsByIt(self):
        """A trace and a usage file of the same run pin the same experts, and not those that are pinned without."""
        artifact = self.compile()
        trace, _ = self.record(artifact)
        planned = self.folder / "tiers.strata"

        def pinned(*options):
            self.succeed("strata-compile", TINY, "-o", planned, "--machine=host", "--ram=261MiB", "--ram-head-room=1KiB",
                         "--context=64", *options)
            return re.findall(r"pinned (<[^>]*>)", self.succeed("strata-dump", planned, "--plan").out)
        byTrace = pinned(f"--trace={trace}")
        self.assertNotEqual(byTrace, pinned())
        self.assertEqual(byTrace, pinned(f"--trace={artifact}.usage"))
        self.assertEqual(set(pinned()), {"<>"})  # All slots are a cache.
        self.assertEqual(set(pinned(f"--trace={trace}", "--cache-policy=lru")), {"<>"})
        half = pinned(f"--trace={trace}", "--cache-policy=pinned-lru")
        self.assertNotIn("<>", half)
        text = self.succeed("strata-dump", planned, "--plan").out
        self.assertRegex(text, r"slots \d+ policy pinned_lru decode_gpu")
        for line in json.loads(self.succeed("strata-dump", planned, "--json").out)["experts"]:
            counts = [sum(last - first + 1 for first, last in line[name]) for name in ("ram", "pinned")]
            self.assertEqual((line["policy"], counts[1], line["slots"]),
                             ("pinned_lru", counts[0] // 2, counts[0] - counts[0] // 2))
        self.assertRegex(self.succeed("strata-dump", planned).out, r"cache slots \d+ \(pinned_lru\)")
        other = ["strata-compile", MODELS / "router256.Q4_0.gguf", "-o", planned, "--machine=host"]
        self.assertIn("another model", self.refuse(1, "", *other, f"--trace={trace}").error)

    def testTheTraceIsOfTheDocumentedForm(self):
        artifact = self.compile()
        trace, _ = self.record(artifact)
        content = trace.read_bytes()
        self.assertEqual(content[:8], b"STRATRTE")
        version, _, layers, experts, used, _ = struct.unpack("<6I", content[8:32])
        self.assertEqual(version, 1)
        offset, tokens = HEADER, []
        while offset < len(content) - 8:
            phase, sequence, position, count = struct.unpack("<4I", content[offset:offset + 16])
            tokens.append((phase, sequence, position, count))
            ids = content[offset + 16:offset + 16 + count * layers * used]
            for first in range(0, len(ids), used):
                one = ids[first:first + used]
                self.assertEqual(sorted(set(one)), list(one))
                self.assertLess(max(one), experts)
            offset += 16 + len(ids)
        self.assertEqual(tokens[0], (0, 0, 0, 5))
        self.assertEqual(tokens[1][:3], (1, 0, 5))
        usage = self.counted(self.folder / "m.strata.usage")
        self.assertEqual(usage, (tokens[1][3], tokens[1][3] * layers * used))

    def testUsageAddsUpAlsoWhenRunsEndTogether(self):
        artifact = self.compile()
        usage = self.folder / "m.strata.usage"
        self.succeed("strata-run", artifact, *TOKENS, "--no-usage")
        self.assertFalse(usage.exists())
        self.succeed("strata-run", artifact, *TOKENS)
        once = self.counted(usage)
        command = [str(BIN / "strata-run"), str(artifact), *TOKENS]
        runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(6)]
        self.assertEqual([one.wait(timeout=120) for one in runs], [0] * 6)
        self.assertEqual(self.counted(usage), tuple(7 * number for number in once))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["m.strata", "m.strata.usage"])

    def testUsageThatCannotBeCountedIsNoFailure(self):
        artifact = self.compile()
        usage = self.folder / "m.strata.usage"
        usage.write_bytes(b"nonsense")
        result = self.succeed("strata-run", artifact, *TOKENS)
        self.assertIn("note: the use of experts is not counted", result.error)
        self.assertIn("is no usage file", result.error)
        self.assertEqual(usage.read_bytes(), b"nonsense")

    def testWhatIsRefused(self):
        artifact = self.compile()
        trace, _ = self.record(artifact)
        good = trace.read_bytes()
        for content, part in ((b"nonsense", "neither a routing trace nor a usage file"), (good[:-9], "is a damaged"),
                              (good[:40], "was cut"), (good + b"x", "something was appended")):
            trace.write_bytes(content)
            for option in ("--trace", "--replay"):
                self.assertIn(part, self.refuse(1, None, *PLAN, f"{option}={trace}").error)
        trace.write_bytes(good)
        other = ["strata-plan", MODELS / "router256.Q4_0.gguf", "--machine=host"]
        self.assertIn("is of another model", self.refuse(1, None, *other, f"--trace={trace}").error)
        usage = self.folder / "m.strata.usage"
        self.assertIn("no order to replay", self.refuse(1, None, *PLAN, f"--replay={usage}").error)
        self.refuse(1, None, *PLAN, f"--trace={self.folder}")
        self.refuse(3, None, "strata-run", artifact, *TOKENS, f"--trace={self.folder}/none/x.trace")
        self.assertEqual(run("strata-run", artifact, "--tokenize", "--trace=x").code, 2)


if __name__ == "__main__":
    unittest.main()
