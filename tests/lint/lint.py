#!/usr/bin/env python3
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules about the tree that no compiler checks. usage: lint.py ROOT RULE

A rule is a function from the tree (a dictionary from path to text, both as in the repository) to a list of findings.
lint_test.py shows each of them a tree that breaks it.
"""
import os
import pathlib
import re
import sys

TOP_FOLDERS = ["runtime", "compiler", "dialects", "passes", "tools", "tests", "cmake", "docs"]
CODE = (".h", ".cpp", ".cuh", ".td", ".py", ".sh")
HEADER = [
    "Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.",
    "See LICENSE for license information.",
    "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception",
]
MAX_LINES = 600

# Which folders the files of a folder may include, besides its own. The longest matching key counts.
BASE = ["runtime/Base", "runtime/Schema", "runtime/Weights"]
RUNTIME = [*BASE, "runtime/Artifact", "runtime/Device", "runtime/Memory", "runtime/Exec", "runtime/Text", "runtime/Simulator",
           "runtime/Routing"]
PLANNING = [*BASE, "compiler/Support", "compiler/Machine", "compiler/Placement", "compiler/Kernels"]
IR = [*PLANNING, "dialects"]
USES = {
    "runtime/Base": [],
    "runtime/Schema": RUNTIME[:1],
    "runtime/Weights": RUNTIME[:2],
    "runtime/Simulator": RUNTIME[:1],
    "runtime/Routing": BASE,
    "runtime/Artifact": RUNTIME[:3],
    "runtime/Device": [*BASE, "runtime/Simulator"],
    "runtime/Memory": [*RUNTIME[:5], "runtime/Routing"],
    "runtime/Exec": [*RUNTIME[:6], "runtime/Routing"],
    "runtime/Text": RUNTIME[:3],
    "compiler/Support": BASE,
    "compiler/Machine": PLANNING,
    "compiler/Placement": [*PLANNING, "runtime/Routing"],
    "compiler/Kernels": BASE,
    "dialects": BASE,
    "passes": IR,
    "compiler/Import": [*RUNTIME, *IR, "passes"],
    "compiler/Codegen": [*RUNTIME, *IR, "passes"],
    "compiler/Artifact": [*RUNTIME, *IR, "passes", "compiler/Import", "compiler/Codegen"],
    "tools": [*RUNTIME, *IR, "passes", "compiler"],
    "tests": [*RUNTIME, *IR, "passes", "compiler", "tools"],
}
WITHOUT_LLVM = ["runtime", "compiler/Support", "compiler/Machine", "compiler/Placement", "compiler/Kernels"]
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.MULTILINE)


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def owner(path):
    """The key of USES that a path falls under."""
    folders = [folder for folder in USES if inside(path, folder)]
    return max(folders, key=len) if folders else None


def folders(tree):
    """Folders use only what stands below them, and no LLVM where there must be none."""
    for path, text in tree.items():
        if not path.endswith((".h", ".cpp", ".cuh")):
            continue
        home = owner(path)
        if home is None:
            yield f"{path}: its folder is not in the table of tests/lint/lint.py"
            continue
        for include in INCLUDE.findall(text):
            if include.startswith(("mlir/", "llvm/", "mlir-c/", "llvm-c/")):
                if any(inside(path, folder) for folder in WITHOUT_LLVM):
                    yield f"{path}: includes {include}; this folder is built without LLVM"
                continue
            if include.split("/")[0] not in TOP_FOLDERS or inside(include, home):
                continue
            if not any(inside(include, folder) for folder in USES[home]):
                yield f"{path}: includes {include}; {home} may use {', '.join(USES[home]) or 'nothing'}"


def suites(tree):
    """Every .mlir and .test file under tests/ belongs to a lit suite that runs files of its kind."""
    suffixes = {}
    for path, text in tree.items():
        if os.path.basename(path) == "lit.cfg.py":
            listed = re.search(r"config\.suffixes\s*=\s*[\[{(]([^\])}]*)", text)
            suffixes[os.path.dirname(path)] = re.findall(r"['\"](\.[^'\"]+)['\"]", listed.group(1)) if listed else []
    for path in tree:
        kind = os.path.splitext(path)[1]
        if not inside(path, "tests") or kind not in (".mlir", ".test") or "/Inputs/" in path:
            continue
        above = [folder for folder in suffixes if inside(path, folder)]
        if not above:
            yield f"{path}: no lit.cfg.py stands above it, so nothing runs it"
        elif kind not in suffixes[max(above, key=len)]:
            yield f"{path}: {max(above, key=len)}/lit.cfg.py does not list {kind} in config.suffixes"


def sources(tree):
    """Every .cpp file is named in the CMakeLists.txt of its folder or of one above."""
    for path in tree:
        if not path.endswith(".cpp"):
            continue
        names, folder = [], os.path.dirname(path)
        while True:
            text = tree.get(os.path.join(folder, "CMakeLists.txt"))
            if text is not None:
                names.append(re.search(rf"(?<![\w/.-]){re.escape(os.path.relpath(path, folder or '.'))}(?![\w.-])", text))
            if not folder:
                break
            folder = os.path.dirname(folder)
        if not any(names):
            yield f"{path}: no CMakeLists.txt builds it"


def files(tree):
    """Files have a licence header, a reasonable length, no path of somebody's machine and nothing put off."""
    machine = re.compile(r"(?<![\w.])/(?:home|root|work|farm|Users)/\w")
    putOff = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for path, text in tree.items():
        lines = text.splitlines()
        if path.endswith(CODE):
            first = [re.sub(r"^(?://|#)\s*", "", line) for line in lines if not line.startswith("#!")][:3]
            if text and first != HEADER:
                yield f"{path}: does not begin with the licence header"
            if len(lines) > MAX_LINES:
                yield f"{path}: {len(lines)} lines; past {MAX_LINES} a file wants splitting"
        for number, line in enumerate(lines, 1):
            if machine.search(line):
                yield f"{path}:{number}: a path of one machine"
            if putOff.search(line):
                yield f"{path}:{number}: work put off; do it, or write an issue"


RULES = {rule.__name__: rule for rule in (folders, suites, sources, files)}


def readTree(root):
    """The text files of the repository: its folders and the files beside them."""
    tree = {}
    candidates = [path for path in root.iterdir() if path.is_file() and path.name != ".git"]
    for folder in [*TOP_FOLDERS, ".ci"]:
        candidates += [path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in candidates:
        try:
            tree[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            pass  # A model or an array: no text.
    return tree


def main():
    root, rule = pathlib.Path(sys.argv[1]), RULES[sys.argv[2]]
    findings = list(rule(readTree(root)))
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
