# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A prompt of several tiles of every kernel, on the simulated GPU: more than a minute."""
import re
import unittest

from simulated_gpu import SimulatedGpuTest
from strata_test import TINY


class LongPrompt(SimulatedGpuTest):
    def testSevenHundredTokens(self):
        """A story many times over, in the many-column form: it is continued on the GPU as on the host."""
        story = ("In the harbour lived a fox. Its name was Sven. Sven owned a white ladder and loved it more than anything. Then one "
                 "night there was thunder, and the windows shook. Sven was angry and stamped the ground. Dov the badger knocked on "
                 'the door and said, "May I see your ladder?" "Yes," said Sven, "we can share the ladder." Sven laughed out loud. '
                 "The end.\n")
        prompt = story * 9
        answers = {}
        for machine, device in (("v100s-32g", "sim"), ("host", "host")):
            artifact = self.folder / f"{machine}.strata"
            self.succeed("strata-compile", TINY, "-o", artifact, f"--machine={machine}", "--context=1024")
            result = self.succeed("strata-run", artifact, "-p", prompt, "--raw", "-n24", "--temperature=0", f"--device={device}")
            self.assertGreater(int(re.search(r"prompt: (\d+) tokens", result.error)[1]), 700)
            answers[device] = result.out
        self.assertGreater(len(answers["host"]), 40)
        self.assertEqual(answers["sim"], answers["host"])

    def testGoldenLogits(self):
        """The cases of both models with the longest prompts: 692 and 297 tokens."""
        for name, number in (("tiny.Q4_0", 3), ("router256.Q4_0", 2)):
            with self.subTest(name=name):
                self.assertAsGoodAsTheHost(name, number, 8, "i16")


if __name__ == "__main__":
    unittest.main()
