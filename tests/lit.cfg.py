# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How lit runs the tests that are written as files: every .mlir and .test below this folder is one."""

import os
import sys

import lit.formats
import lit.llvm

lit.llvm.initialize(lit_config, config)
tools = lit.llvm.llvm_config

config.name = "Strata"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "models"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.strata_build, "tests")

# A variable of one test must not be matched by another's text.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"

tools.with_environment("PATH", config.strata_tools, append_path=True)
config.substitutions += [
    ("%python", sys.executable),
    ("%models", os.path.join(config.test_source_root, "models")),
    ("%derived", os.path.join(config.test_exec_root, "models")),
]
tools.add_tool_substitutions(["FileCheck", "mlir-translate", "not", "count", "split-file"], [config.llvm_tools_dir])
tools.add_tool_substitutions(
    ["strata-opt", "strata-lsp", "strata-compile", "strata-run", "strata-dump"], [config.strata_tools]
)
