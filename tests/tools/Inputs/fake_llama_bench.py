# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stands for llama-bench. usage: fake_llama_bench.py CALLS BEHAVIOUR ARGUMENT..."""
import json
import os
import pathlib
import sys

calls, behaviour, arguments = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
before = len(calls.read_text().splitlines()) if calls.exists() else 0
with calls.open("a") as file:
    print(json.dumps(arguments), file=file)
if behaviour == "fail":
    print("much to say\nout of luck", file=sys.stderr)
    sys.exit(7)
if behaviour == "abort":
    os.abort()
if behaviour == "silent":
    sys.exit(0)
if behaviour == "nonsense":
    print("| model | t/s |")
    sys.exit(0)
speed = 0 if behaviour == "zero" else 10 + before
rows = [{"build_commit": "abc1234", "avg_ts": speed}]
if speed and "on,off" in arguments:
    rows.append({"build_commit": "abc1234", "avg_ts": speed + 100})
print(json.dumps(rows))
