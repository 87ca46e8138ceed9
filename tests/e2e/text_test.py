# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From a model to text: what it says, and that it always says the same."""
import os
import re
import signal
import subprocess
import unittest

from strata_test import BIN, MODELS, TINY, ToolTest

FOX = ["-p", "Tell me a story about a fox."]
GREEDY = ["--temperature=0"]


class Text(ToolTest):
    def setUp(self):
        super().setUp()
        self.artifact = self.compile()

    def text(self, *options, **more):
        return self.succeed("strata-run", self.artifact, *options, **more).out

    def testAStory(self):
        result = self.succeed("strata-run", self.artifact, *FOX, *GREEDY)
        self.assertIn("fox", result.out)
        self.assertGreater(len(result.out.split()), 20)
        self.assertNotIn("end▁of▁sentence", result.out)
        self.assertTrue(result.out.endswith("\n"))
        self.assertRegex(result.error, r"(?m)^prompt: \d+ tokens, [\d.]+ tokens/s; first token: [\d.]+ s; "
                                       r"decode: \d+ tokens, [\d.]+ tokens/s\n$")

    def testAnimalsOfTheCorpus(self):
        for animal in ("fox", "owl", "bear"):
            self.assertIn(animal, self.text("-p", f"Tell me a story about a {animal}.", *GREEDY))

    def testThinking(self):
        self.assertIn("</think>", self.text(*FOX, *GREEDY, "--thinking"))
        self.assertNotIn("</think>", self.text(*FOX, *GREEDY))

    def testSystemMessageChangesThePrompt(self):
        def promptTokens(*options):
            error = self.succeed("strata-run", self.artifact, *FOX, "-n1", *options).error
            return int(re.search(r"^prompt: (\d+) tokens", error, re.MULTILINE)[1])
        self.assertGreater(promptTokens("--system=Be brief."), promptTokens())

    def testRawContinuesText(self):
        raw = self.text("-p", "Once upon a time", "--raw", "-n20", *GREEDY)
        # BOS is added unless it is there, and special tokens are recognised.
        self.assertEqual(raw, self.text("-p", "<｜begin▁of▁sentence｜>Once upon a time", "--raw", "-n20", *GREEDY))
        ids = self.succeed("strata-run", self.artifact, "--tokenize", stdin="<｜begin▁of▁sentence｜>Once upon a time".encode()).out
        self.assertEqual(raw, self.text("--tokens=" + ",".join(ids.split()), "-n20", *GREEDY))

    def testLimits(self):
        self.assertEqual(len(self.text(*FOX, "-n1", *GREEDY).split()), 1)
        story = self.text(*FOX, *GREEDY)
        stop = story.split()[4]
        stopped = self.text(*FOX, *GREEDY, f"--stop={stop}")
        self.assertEqual(stopped.rstrip("\n"), story[:story.index(stop)])

    def testTheContextIsALimit(self):
        artifact = self.compile(TINY, "--context=64")
        self.refuse(1, "", "strata-run", artifact, "-p", "a fox " * 100)
        result = self.succeed("strata-run", artifact, *FOX, *GREEDY)
        self.assertIn("the context of 64 positions is full", result.error)

    def testThreadsChangeNothing(self):
        texts = {self.text(*FOX, f"--threads={threads}") for threads in (1, 2, 3)}
        self.assertEqual(len(texts), 1)

    def testChunksChangeNothing(self):
        prompt = ["-p", "A fox met an owl. " * 12, "--raw", "-n40"]
        texts = {self.text(*prompt)}
        for options in (["--chunk-tokens=7"], ["--chunk-tokens=16", "--prompt-tokens=32"], ["--sequences=3"]):
            self.artifact = self.compile(TINY, *options)
            texts.add(self.text(*prompt))
        self.assertEqual(len(texts), 1)

    def testSeeds(self):
        self.assertEqual(self.text(*FOX), self.text(*FOX, "--seed=0"))
        self.assertEqual(self.text(*FOX, "--seed=7"), self.text(*FOX, "--seed=7"))
        self.assertGreater(len({self.text(*FOX, "--temperature=1", f"--seed={seed}") for seed in range(4)}), 1)

    def testASplitSetSaysTheSame(self):
        whole = self.text(*FOX)
        self.artifact = self.compile(MODELS / "tiny-00001-of-00003.gguf")
        self.assertEqual(self.text(*FOX), whole)

    def testTheModelIsFoundBesideTheArtifact(self):
        moved = self.folder / "moved"
        moved.mkdir()
        os.rename(self.artifact, moved / "m.strata")
        self.artifact = moved / "m.strata"
        self.assertIn("fox", self.text(*FOX, *GREEDY, "--weights", MODELS))

    def testOtherSettingsAreSaid(self):
        result = self.succeed("strata-run", self.artifact, *FOX, "-n1", "--kv=f32")
        self.assertIn("strata-run: note: ", result.error)
        self.assertIn("KV cache f32", result.error)

    def testExpectFindsAnotherModel(self):
        # Bounds that no rounding passes: exit code 4, and the table is there all the same.
        golden = MODELS / "tiny.Q4_0.json"
        result = self.refuse(4, "", "strata-run", self.artifact, "--expect", golden, "--nmse=1e-30")
        self.assertIn("above --nmse=1e-30", result.error)
        self.assertEqual(len(result.out.splitlines()), 1 + 2 * (4 + 1))


class Conversation(ToolTest):
    def setUp(self):
        super().setUp()
        self.artifact = self.compile()

    def testTurnsAndReuse(self):
        result = self.succeed("strata-run", self.artifact, "--interactive", *GREEDY,
                              stdin=b"Tell me a story about a fox.\n\nTell me a story about an owl.")
        self.assertIn("fox", result.out)
        self.assertIn("owl", result.out)
        closings = [line for line in result.error.splitlines() if not line.startswith("strata-run: note: ")]
        self.assertEqual(len(closings), 2)  # An empty line is no message.
        self.assertNotIn("reused", closings[0])
        self.assertIn("more reused", closings[1])

    def testFirstMessageFromTheCommandLine(self):
        one = self.succeed("strata-run", self.artifact, *FOX, *GREEDY).out
        self.assertEqual(self.succeed("strata-run", self.artifact, "--interactive", *FOX, *GREEDY).out, one)

    def start(self, *options):
        # Without buffers: what is not read yet is in the pipe.
        return subprocess.Popen([BIN / "strata-run", self.artifact, "--interactive", *options], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def interruptAnswer(self, process, message):
        """Asks, waits until the answer has begun, and stops it."""
        process.stdin.write(message)
        self.assertEqual(len(process.stdout.read(1)), 1)
        process.send_signal(signal.SIGINT)
        self.assertIn(b"interrupted", self.line(process.stderr))
        # All of the answer was written before its closing line: what is left of it is in the pipe.
        os.set_blocking(process.stdout.fileno(), False)
        while process.stdout.read(1 << 16):
            pass
        os.set_blocking(process.stdout.fileno(), True)

    @staticmethod
    def line(stream):
        """The next line that is no note."""
        line = b""
        while not line.endswith(b"\n"):
            byte = stream.read(1)
            if not byte:
                break
            line += byte
            if line.endswith(b"\n") and line.startswith(b"strata-run: note: "):
                line = b""
        return line

    def testInterruptStopsTheAnswerAndNotTheConversation(self):
        # Sampled so hot that it never ends by itself.
        process = self.start("--temperature=100", "--top-p=1", "--repetition-penalty=100")
        self.interruptAnswer(process, b"Tell me a story about a fox.\n")
        self.interruptAnswer(process, b"Tell me a story about an owl.\n")
        process.send_signal(signal.SIGINT)  # The second in a row, at the prompt.
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)

    def testInterruptAtThePromptAsksOnce(self):
        process = self.start("-p", "Hello", "-n1")
        self.line(process.stderr)  # The closing line: the prompt comes next.
        process.send_signal(signal.SIGINT)
        self.line(process.stderr)
        self.assertIn(b"Ctrl-C again", self.line(process.stderr))
        _, _ = process.communicate(input=b"", timeout=60)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
