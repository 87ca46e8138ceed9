# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Strata's planner says of the model on this machine, with the disk as fast as fio found it."""
import json
import pathlib
import subprocess

from engines import DECODE_PROMPT
from memory_group import Refusal

FIRST_OTHER_SEED = 1001  # Of prompts that are traced; those that are measured begin at 1.


def tool(options, name, *arguments):
    """Runs one of Strata's tools to its end; its output. Refusal if it fails."""
    command = [str(pathlib.Path(options.bin) / name), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Refusal(3, f"{command[0]}: {error.strerror}: build it, or give --bin") from error
    if done.returncode != 0:
        raise Refusal(done.returncode, f"{name} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def settings(options):
    """No more positions than the runs use, as llama-bench does it: they take memory from experts."""
    longest = max(work.tokens + DECODE_PROMPT for work in options.works)
    prompt = max([DECODE_PROMPT] + [work.tokens for work in options.works if not work.decodes])
    caching = [f"--trace={trace}" for trace in options.trace]
    caching += [f"--cache-policy={options.cache_policy}"] if options.cache_policy else []
    return [f"--ram={options.ram}B", f"--context={(longest + 64) // 64 * 64}", f"--prompt-tokens={prompt}", *caching]


def record_traces(options, strata, folder):
    """Which experts other prompts of the decode row's kind use."""
    work = next(work for work in options.works if work.decodes)
    for number in range(options.other_prompts):
        trace = folder / f"other-prompt-{number + 1}.trace"
        tool(options, "strata-run", *strata.tracing(work, FIRST_OTHER_SEED + number, trace))
        options.trace.append(trace)


def with_disk(machine, gbps):
    """The machine with every read of its disk at this speed."""
    machine = json.loads(json.dumps(machine))
    for read in machine["disk"]["reads"]:
        read["bandwidth"] = {"measured": f"{gbps:.3f}GB/s"}
    return machine


def prediction(plan):
    """Of a token: bytes from disk and tokens/s, by the trace if there is one, else as if experts were used alike; of prompts the
    seconds until their first token, by length."""
    token = plan["prediction"].get("traced", plan["prediction"]["uniform"])
    prompts = {prompt["tokens"]: prompt["cost"]["seconds"] for prompt in plan["prediction"]["prompts"]}
    return {"bytes": token["expert_bytes"]["disk"], "tokens_per_second": token["tokens_per_second"], "prompts": prompts}


def predict(options, model, gbps, folder):
    """`gbps`: fio's, or nothing: the machine's own figure stays. Without a prediction, {"reason": ...}."""
    try:
        plan = json.loads(tool(options, "strata-plan", model.path, f"--machine={options.machine}", *settings(options), "--json"))
        if gbps:
            file = folder / "out-of-core.machine.json"
            file.write_text(json.dumps(with_disk(plan["machine"], gbps)))
            plan = json.loads(tool(options, "strata-plan", model.path, f"--machine={file}", *settings(options), "--json"))
        return prediction(plan)
    except (Refusal, ValueError, KeyError, TypeError) as error:
        return {"reason": f"strata-plan gives no prediction: {error}".splitlines()[0]}
