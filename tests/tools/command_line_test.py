# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command lines: what is at fault ends with exit code 2, in the form of all errors, before anything is read or written."""
import unittest

from strata_test import MODELS, TINY, ToolTest, run

TOOLS = ("strata-compile", "strata-run", "strata-dump", "strata-plan", "strata-probe", "strata-bench", "strata-verify")


class CommandLine(ToolTest):
    def testHelpAndVersion(self):
        for tool in TOOLS:
            self.assertIn("--help", self.succeed(tool, "--help").out)
            self.assertRegex(self.succeed(tool, "--version").out, r"^strata \d+\.\d+\.\d+\n$")

    def testNothingAndNonsense(self):
        for tool in TOOLS:
            if tool != "strata-probe":  # It needs no arguments.
                self.refuse(2, "", tool)
            self.refuse(2, "", tool, "a", "b", "c", "--no-such-option")

    def testCompile(self):
        out = self.folder / "m.strata"
        good = [TINY, "-o", out, "--machine=host"]
        for option in ("--context=0", "--context=many", "--context=-1", "--sequences=0", "--activations=i4", "--kv=i8",
                       "--chunk-tokens=0", "--prompt-tokens=0", "--machine=abacus", "--expert-groups=8"):
            self.refuse(2, "", "strata-compile", *good, option)
            self.assertFalse(out.exists(), option)

    def testRun(self):
        model = "missing.strata"  # Looked for only when the command line is right.
        for arguments in (
                [], ["-p", "a", "--tokens=1"], ["--interactive", "--tokenize"], ["--expect=a.json", "-p", "a"],
                ["--tokens=1", "--raw"], ["--tokens=1", "--system=a"], ["--expect=a.json", "--thinking"],
                ["-p", "a", "--raw", "--thinking"], ["-p", "a", "--nmse=1"], ["-p", "a", "-n", "0"], ["-p", "a", "-n", "x"],
                ["-p", "a", "-n=-1"], ["-p", "a", "--threads=0"], ["-p", "a", "--activations=i4"], ["-p", "a", "--kv=i8"],
                ["-p", "a", "--temperature=hot"], ["-p", "a", "--seed=-1"], ["-p", "a", "-p", "b"]):
            self.refuse(2, "", "strata-run", model, *arguments)
        self.refuse(3, "", "strata-run", model, "-p", "a", "--device=cuda")
        self.refuse(1, "", "strata-run", model, "-p", "a")

    def testRunOptionsThatNeedTheModel(self):
        artifact = self.compile()
        for arguments in (["-p", "a", "--temperature=-1"], ["-p", "a", "--top-p=0"], ["-p", "a", "--top-p=1.5"],
                          ["-p", "a", "--min-p=2"], ["-p", "a", "--repetition-penalty=0"], ["-p", "a", "--top-k=-1"],
                          ["-p", "a", "--stop="], ["--tokens=1,x"], ["--tokens=1024"], ["--tokens=-1"],
                          ["--expect=a.txt"]):
            self.refuse(2, "", "strata-run", artifact, *arguments)
        self.refuse(1, "", "strata-run", artifact, "--expect", self.folder / "missing.json")
        self.refuse(1, "", "strata-run", artifact, "--expect", MODELS / "tokenizer.golden.json")

    def testDump(self):
        artifact = self.compile()
        self.refuse(2, "", "strata-dump", artifact, "--json", "--plan")
        self.refuse(1, "", "strata-dump", self.folder / "missing.strata")
        self.refuse(1, "", "strata-dump", self.folder)

    def testOutputThatCannotBeWritten(self):
        artifact = self.compile()
        with open("/dev/full", "wb") as full:
            import subprocess
            import strata_test
            completed = subprocess.run([strata_test.BIN / "strata-dump", artifact], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(completed.returncode, 3)
        self.assertIn(b"strata-dump: error: ", completed.stderr)
        self.assertEqual(run("strata-compile", TINY, "-o", self.folder / "none" / "m.strata", "--machine=host").code, 3)


if __name__ == "__main__":
    unittest.main()
