# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The phases of strata-compile: one test for each, and the options that show what they leave behind."""
import os
import re
import unittest

from strata_test import SOURCE, TINY, ToolTest

# Phase: what its module has, and what it no longer or not yet has.
PHASES = {
    "import": (["moe.model", "moe.layer", "moe.mla", "moe.experts", "moe.dequant "], ["moe.block", "plan."]),
    "verify": (["moe.model", "moe.layer", "moe.mla"], ["moe.block", "plan."]),
    "optimise": (["moe.block", "moe.latent_attention", "moe.grouped_experts", "moe.dequant_matmul"],
                 ["moe.layer ", "moe.mla", "moe.dequant ", "plan."]),
    "place": (["plan.settings", "plan.program", "plan.dispatch"], ["moe.model", " at <i8"]),
    "schedule": (["plan.settings", "plan.program", "plan.dispatch", " at <i8"], ["moe.model"]),
    # Nothing of it is on a GPU.
    "kernels": (["plan.settings", "plan.program", "plan.dispatch", " at <i8"], ["moe.model", "kern.func"]),
}


class Phases(ToolTest):
    def text(self, *options):
        return self.succeed("strata-compile", TINY, "--machine=host", *options).out

    def phase(self, name):
        text = self.text(f"--stop-after={name}")
        present, absent = PHASES[name]
        # Not assertIn, whose message would be the whole module.
        self.assertEqual([part for part in present if part not in text], [])
        self.assertEqual([part for part in absent if part in text], [])
        # It is what strata-opt reads, verifies and prints.
        path = self.folder / f"{name}.mlir"
        path.write_text(text)
        self.assertEqual(self.succeed("strata-opt", path).out.strip(), text.strip())

    def testArtifact(self):
        out = self.folder / "m.strata"
        self.succeed("strata-compile", TINY, "-o", out, "--machine=host", "--stop-after=artifact")
        self.assertIn(self.text("--stop-after=schedule").strip().splitlines()[3].strip(),
                      self.succeed("strata-dump", out, "--plan").out)

    def testThisTableIsTheTools(self):
        help = self.succeed("strata-compile", "--help").out
        listed = re.findall(r"^  ([a-z]+) ", help[help.index("Phases:"):], re.MULTILINE)
        self.assertEqual(listed, [*PHASES, "artifact"])
        # And the page's.
        page = (SOURCE / "docs" / "debugging.md").read_text(encoding="utf-8")
        self.assertIn(help[help.index("Phases:") + len("Phases:"):].strip("\n"), page)

    def testDumpsAreWhatTheStopsPrint(self):
        dumps = self.folder / "dumps"
        self.succeed("strata-compile", TINY, "-o", self.folder / "m.strata", "--machine=host", "--dump-phases", dumps)
        self.assertEqual(sorted(os.listdir(dumps)), [f"{number}-{name}.mlir" for number, name in enumerate(PHASES)])
        for number, name in enumerate(PHASES):
            self.assertEqual((dumps / f"{number}-{name}.mlir").read_text().strip(), self.text(f"--stop-after={name}").strip())

    def testDumpsEndWhereTheCompilationEnds(self):
        dumps = self.folder / "dumps"
        self.text("--dump-phases", dumps, "--stop-after=verify")
        self.assertEqual(sorted(os.listdir(dumps)), ["0-import.mlir", "1-verify.mlir"])
        (self.folder / "file").write_text("")
        self.refuse(3, "", "strata-compile", TINY, "--machine=host", "--dump-phases", self.folder / "file", "--stop-after=verify")

    def testEmitNamesTheDialects(self):
        self.assertEqual(self.text("--emit=moe"), self.text("--stop-after=optimise"))
        self.assertEqual(self.text("--emit=plan"), self.text("--stop-after=schedule"))
        out = self.folder / "m.mlir"
        self.assertEqual(self.text("--emit=moe", "-o", out), "")
        self.assertEqual(out.read_text(), self.text("--emit=moe"))

    def testWrongNames(self):
        for options in (["--stop-after=kern"], ["--emit=fortran"], ["--emit=cuda"], ["--emit=moe", "--stop-after=place"]):
            self.refuse(2, "", "strata-compile", TINY, "--machine=host", *options)


def addPhase(name):
    setattr(Phases, f"test{name.capitalize()}", lambda self: self.phase(name))


for phase in PHASES:
    addPhase(phase)


class Output(ToolTest):
    def testTheSummaryIsPrintedAfterTheArtifactIsWritten(self):
        result = self.succeed("strata-compile", TINY, "-o", self.folder / "m.strata", "--machine=host")
        self.assertEqual(len(result.out.splitlines()), 10)
        self.assertIn("6,196,608", self.succeed("strata-dump", self.folder / "m.strata").out)

    def testDefaultsAreSaid(self):
        # The tiny model has all keys; what a file leaves out is said (tests/compiler/Support).
        result = self.succeed("strata-compile", TINY, "-o", self.folder / "m.strata", "--machine=host")
        for line in result.error.splitlines():
            self.assertRegex(line, "^strata-compile: (note|warning): ")

    def testTheModelIsNeverOverwritten(self):
        model = self.folder / "model.gguf"
        model.write_bytes(TINY.read_bytes())
        self.refuse(2, "", "strata-compile", model, "-o", model, "--machine=host")
        os.link(model, self.folder / "other.gguf")
        self.refuse(2, "", "strata-compile", model, "-o", self.folder / "other.gguf", "--machine=host")
        self.assertEqual(model.read_bytes(), TINY.read_bytes())

    def testSettingsThatContradict(self):
        for options in (["--context=1000000"], ["--context=128", "--prompt-tokens=129"],
                        ["--prompt-tokens=64", "--chunk-tokens=65"], ["--sequences=2147483647"], []):
            arguments = [*options, *(["-o", self.folder / "m.strata"] if options else [])]
            self.refuse(2, "", "strata-compile", TINY, "--machine=host", *arguments)
        self.assertEqual(os.listdir(self.folder), [])

    def testEqualInputsGiveEqualArtifacts(self):
        out = self.folder / "m.strata"
        command = ["strata-compile", TINY, "-o", out, "--machine=host"]
        self.succeed(*command)
        first = out.read_bytes()
        self.succeed(*command)
        self.assertEqual(out.read_bytes(), first)

    def testTheCommandLineIsRecorded(self):
        out = self.folder / "a b.strata"
        self.succeed("strata-compile", TINY, "-o", out, "--machine=host", "--context=256")
        self.assertIn("--machine=host --context=256", self.succeed("strata-dump", out, "--json").out)
        self.assertIn("a b.strata'", self.succeed("strata-dump", out, "--json").out)


if __name__ == "__main__":
    unittest.main()
