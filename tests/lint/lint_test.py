#!/usr/bin/env python3
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every rule of lint.py is shown a tree that keeps it and trees that break it."""
import unittest

import lint

LICENCE = "".join(f"// {line}\n" for line in lint.HEADER)


class Folders(unittest.TestCase):
    def findings(self, path, include):
        return list(lint.folders({path: f"#include {include}\n"}))

    def testDownwardsIsAllowed(self):
        self.assertEqual(self.findings("runtime/Exec/Session.cpp", '"runtime/Base/Error.h"'), [])
        self.assertEqual(self.findings("passes/Moe/A.cpp", '"compiler/Placement/Planner.h"'), [])
        self.assertEqual(self.findings("runtime/Device/Host/A.cpp", '"runtime/Device/Device.h"'), [])

    def testUpwardsIsNot(self):
        self.assertIn("may use nothing", self.findings("runtime/Base/Error.cpp", '"runtime/Weights/Encoding.h"')[0])
        self.assertEqual(len(self.findings("runtime/Exec/Session.cpp", '"runtime/Text/Chat.h"')), 1)
        self.assertEqual(len(self.findings("compiler/Placement/A.cpp", '"dialects/Moe/MoeOps.h"')), 1)
        self.assertEqual(len(self.findings("dialects/Moe/A.cpp", '"passes/Moe/Passes.h"')), 1)

    def testNoLlvmInTheRuntimeAndThePlanner(self):
        for path in ("runtime/Exec/A.h", "compiler/Placement/A.cpp", "compiler/Machine/A.cpp", "compiler/Support/A.cpp"):
            self.assertIn("without LLVM", self.findings(path, '"mlir/IR/Value.h"')[0])
        self.assertEqual(self.findings("compiler/Import/A.cpp", '"llvm/ADT/SmallVector.h"'), [])

    def testUnknownFolder(self):
        self.assertIn("not in the table", self.findings("runtime/Other/A.cpp", "<vector>")[0])


class Suites(unittest.TestCase):
    def testForgottenFile(self):
        tree = {"tests/a/lit.cfg.py": 'config.suffixes = [".mlir"]', "tests/a/b/x.mlir": ""}
        self.assertEqual(list(lint.suites(tree)), [])
        self.assertIn("no lit.cfg.py", list(lint.suites({**tree, "tests/c/y.mlir": ""}))[0])
        self.assertIn("does not list .test", list(lint.suites({**tree, "tests/a/z.test": ""}))[0])


class Sources(unittest.TestCase):
    def testUnbuiltFile(self):
        tree = {"tools/CMakeLists.txt": "SOURCES strata-run.cpp run/Npy.cpp", "tools/strata-run.cpp": "", "tools/run/Npy.cpp": ""}
        self.assertEqual(list(lint.sources(tree)), [])
        self.assertEqual(list(lint.sources({**tree, "tools/run.cpp": ""})), ["tools/run.cpp: no CMakeLists.txt builds it"])
        self.assertEqual(len(list(lint.sources({**tree, "runtime/Npy.cpp": ""}))), 1)


class Files(unittest.TestCase):
    def findings(self, text, path="runtime/Base/A.cpp"):
        return list(lint.files({path: text}))

    def testLicence(self):
        self.assertEqual(self.findings(LICENCE), [])
        self.assertEqual(self.findings("#!/bin/sh\n" + LICENCE.replace("//", "#"), "tools/a.sh"), [])
        self.assertIn("licence", self.findings("int x;\n")[0])

    def testLength(self):
        self.assertEqual(self.findings(LICENCE + "\n" * 597), [])
        self.assertIn("601 lines", self.findings(LICENCE + "\n" * 598)[0])

    def testMachinePath(self):
        self.assertIn("A.cpp:4: a path", self.findings(LICENCE + "// see /" + "home/me/x\n")[0])
        self.assertEqual(self.findings("see docs/work/x", "docs/a.md"), [])

    def testPutOff(self):
        self.assertIn("put off", self.findings("FIX" + "ME later", "docs/a.md")[0])


if __name__ == "__main__":
    unittest.main()
