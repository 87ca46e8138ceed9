# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad artifacts: every cut and every changed byte is refused, by all tools that read one."""
import shutil
import unittest

from strata_test import MODELS, TINY, ToolTest


class BadArtifact(ToolTest):
    def setUp(self):
        super().setUp()
        self.good = self.compile()
        self.content = self.good.read_bytes()

    def refuseContent(self, identifier, content, tools=("strata-dump", "strata-run")):
        path = self.folder / "bad.strata"
        path.write_bytes(content)
        for tool in tools:
            arguments = ["--tokens=0"] if tool == "strata-run" else []
            result = self.refuse(1, identifier, tool, path, *arguments)
            self.assertEqual(result.out, "")

    def changed(self, place):
        content = bytearray(self.content)
        content[place] ^= 0x10
        return bytes(content)

    def testA01TooShort(self):
        for size in (0, 1, 63):
            self.refuseContent("A01", self.content[:size])

    def testA02Identifier(self):
        for place in (0, 7):
            self.refuseContent("A02", self.changed(place))
        self.refuseContent("A02", TINY.read_bytes())

    def testA03Version(self):
        self.refuseContent("A03", self.changed(8))

    def testA04SchemaOfTheSameVersion(self):
        self.refuseContent("A04", self.changed(12))
        self.refuseContent("A04", self.changed(16))

    def testA05EveryChangedByteIsDamage(self):
        # The hash, then the payload from its first byte to its last.
        for place in [*range(32, 48), *range(64, len(self.content), len(self.content) // 40), len(self.content) - 1]:
            self.refuseContent("A05", self.changed(place), ["strata-dump"])

    def testEveryByteOfTheEnvelopeCounts(self):
        for place in range(64):
            self.refuseContent("", self.changed(place), ["strata-dump"])

    def testCutShortOrWithTrailingBytes(self):
        for size in (64, 65, len(self.content) // 2, len(self.content) - 1):
            self.refuseContent("", self.content[:size])
        self.refuseContent("A08", self.content + b"\0")

    def testA32TheModelIsGone(self):
        model = self.folder / "copy.gguf"
        shutil.copy(TINY, model)
        artifact = self.compile(model)
        model.unlink()
        self.assertIn("copy.gguf", self.refuse(1, "A32", "strata-run", artifact, "--tokens=0").error)
        self.refuse(1, "A32", "strata-run", artifact, "--tokens=0", "--weights", self.folder / "nowhere.gguf")
        # The path is a hint: the same header under another name is the model.
        self.succeed("strata-run", artifact, "--tokens=0", "-n1", "--weights", TINY)
        shutil.copy(TINY, model)
        self.succeed("strata-run", artifact, "--tokens=0", "-n1")

    def testRunningNeedsAllOfTheFile(self):
        model = self.folder / "header.gguf"
        model.write_bytes(TINY.read_bytes()[:100000])
        artifact = self.compile(model, "--header-only")
        self.refuse(1, "", "strata-run", artifact, "--tokens=0")
        # Its header is enough for the tokenizer, and for the plan.
        self.assertEqual(self.succeed("strata-run", artifact, "--tokenize", stdin=b"").out, "\n")
        self.succeed("strata-dump", artifact)

    def testAnotherModel(self):
        for other in ("router256.Q4_0.gguf",):
            error = self.refuse(1, "G50", "strata-run", self.good, "--tokens=0", "--weights", MODELS / other).error
            self.assertIn(other, error)
            self.assertIn("tiny.Q4_0.gguf", error)


if __name__ == "__main__":
    unittest.main()
