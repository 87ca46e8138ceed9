# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One program run to its end, with the bytes that the kernel read for it."""
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

SAMPLE_SECONDS = 0.02


def read_bytes(pid):
    """What the block layer fetched for a process and its threads so far; also of one that has ended and was not waited for."""
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("read_bytes:"):
            return int(line.split()[1])
    raise OSError("no read_bytes")


def busy_seconds():
    """Of all cores, since the machine started; not the time in which they waited for reads."""
    user, nice, system, _, _, interrupts, soft, stolen = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Run:
    code: int
    seconds: float
    samples: list  # (seconds since the start, bytes), ascending; the last is of the end.
    marks: dict  # name: seconds since the start
    out: str
    error: str
    memory: dict
    started: float = 0.0  # As file times are counted.
    other_cores: float = 0.0  # How many cores worked on something else.

    @property
    def read_bytes(self):
        return self.samples[-1][1]

    def bytes_until(self, moment):
        """Between two samples, as if the bytes came evenly."""
        before = (0.0, 0)
        for sample in self.samples:
            if sample[0] >= moment:
                part = (moment - before[0]) / (sample[0] - before[0]) if sample[0] > before[0] else 1
                return before[1] + (sample[1] - before[1]) * part
            before = sample
        return before[1]

    def bytes_between(self, start, end):
        return self.bytes_until(end) - self.bytes_until(start)


def run(command, group, marks=None, timeout=3600, environment=None):
    """Runs `command` in `group`. `marks`: by name, a pattern of the line on stderr whose moment is wanted."""
    start, started, busy = time.monotonic(), time.time(), busy_seconds()
    process = subprocess.Popen(group.command([str(part) for part in command]), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment, start_new_session=True)
    found, lines, out = {}, [], []

    def watch():
        for line in process.stderr:
            text = line.decode("utf-8", "replace")
            lines.append(text)
            for name, pattern in (marks or {}).items():
                if name not in found and re.search(pattern, text):
                    found[name] = time.monotonic() - start

    threads = [threading.Thread(target=watch), threading.Thread(target=lambda: out.append(process.stdout.read()))]
    for thread in threads:
        thread.start()
    samples, memory, late = [], {}, False
    try:
        while True:
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            now = time.monotonic() - start
            try:
                samples.append((now, read_bytes(process.pid)))
            except OSError:
                pass
            memory = group.memory(process.pid) or memory
            if ended:
                break
            if now > timeout and not late:
                late = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(SAMPLE_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        for thread in threads:
            thread.join()
        process.stdout.close()
        process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    others = max(0.0, busy_seconds() - busy - used.ru_utime - used.ru_stime) / max(time.monotonic() - start, 1e-3)
    error = "".join(lines) + (f"\nkilled: it took more than {timeout} s" if late else "")
    return Run(process.returncode, samples[-1][0] if samples else 0, samples or [(0.0, 0)], found, (out[0] or b"").decode(), error,
               memory, started, others)


def why(finished):
    """Why a run failed, in a line."""
    lines = [line.strip() for line in finished.error.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines or ["nothing on stderr"]
    return f"ended with {finished.code}: {errors[-1][:200]}"
