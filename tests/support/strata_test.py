# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the tools share: running one, and looking at what it did.

ctest sets STRATA_BIN (the folder of the tools), STRATA_MODELS (tests/models), STRATA_DERIVED_MODELS (what the build makes
of them) and STRATA_WORK (a folder for files).
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ.get("STRATA_BIN", "build/bin"))
MODELS = pathlib.Path(os.environ.get("STRATA_MODELS", "tests/models"))
DERIVED_MODELS = pathlib.Path(os.environ.get("STRATA_DERIVED_MODELS", "build/tests/models"))
WORK = pathlib.Path(os.environ.get("STRATA_WORK", "build/tests/work"))
SOURCE = pathlib.Path(__file__).resolve().parents[2]
TINY = MODELS / "tiny.Q4_0.gguf"


class Result:
    def __init__(self, tool, completed):
        self.tool = tool
        self.code = completed.returncode
        self.bytes = completed.stdout
        self.out = completed.stdout.decode("utf-8", "replace")
        self.error = completed.stderr.decode("utf-8", "replace")


def run(tool, *arguments, stdin=b"", timeout=300, env=None):
    """Runs a tool to its end; its output is bytes, as text too."""
    command = [str(BIN / tool), *map(str, arguments)]
    return Result(tool, subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, env=env))


class ToolTest(unittest.TestCase):
    """A test with a folder of its own, which is gone after it."""

    def setUp(self):
        WORK.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=WORK)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def succeed(self, tool, *arguments, **options):
        result = run(tool, *arguments, **options)
        self.assertEqual(result.code, 0, result.error)
        return result

    def refuse(self, code, identifier, tool, *arguments, **options):
        """The tool ends with `code` and says why in the form of all tools; returns the result."""
        result = run(tool, *arguments, **options)
        self.assertEqual(result.code, code, f"{arguments}: {result.error or result.out}")
        lines = result.error.splitlines()
        errors = [line for line in lines if line.startswith(f"{tool}: error: ")]
        self.assertTrue(errors, f"{arguments}: no error on stderr, but: {result.error!r}")
        self.assertTrue(result.error.replace("\n", "").isprintable(), f"raw bytes in {result.error!r}")
        self.assertNotIn("AddressSanitizer", result.error)
        if identifier:
            self.assertTrue(any(line.endswith(f"[{identifier}]") for line in lines), result.error)
        return result

    def compile(self, model=TINY, *options):
        """Compiles a model into this test's folder and returns the artifact's path."""
        artifact = self.folder / "m.strata"
        self.succeed("strata-compile", model, "-o", artifact, "--machine=host", *options)
        return artifact
