# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Control groups that limit the memory of one process, page cache included."""
import os
import pathlib
import shutil
import subprocess
import time

MEMORY = "/sys/fs/cgroup"
NEAR = 1 << 20  # Processors take from a group in parts.


class Refusal(Exception):
    """What the machine or the command line lacks; `code` is the exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Unlimited:
    """No limit at all: only with --no-cgroup."""

    name = "none: memory is NOT limited"

    def command(self, command):
        return command

    def memory(self, pid):
        return {}

    def close(self):
        pass


class OwnGroup:
    """A group that we make and remove. Version 1 counts and limits in memory.*_in_bytes, version 2 in memory.max."""

    FILES = {1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes"), 2: ("memory.max", "memory.peak")}

    def __init__(self, path, version, limit):
        self.path, self.version = path, version
        self.name = f"cgroup v{version}"
        path.mkdir()
        try:
            (path / self.FILES[version][0]).write_text(str(limit))
            if version == 2 and (path / "memory.swap.max").exists():
                (path / "memory.swap.max").write_text("0")
            if version == 1 and (path / "memory.memsw.limit_in_bytes").exists():
                (path / "memory.memsw.limit_in_bytes").write_text(str(limit))
        except OSError:
            path.rmdir()
            raise

    def command(self, command):
        # The shell moves itself into the group and becomes the program: both are the same process.
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.path / "cgroup.procs"), *command]

    def memory(self, pid):
        """The largest use so far in bytes, and how often the limit was hit."""
        return read_memory(self.path, self.version)

    def close(self):
        if self.version == 1:
            try:
                (self.path / "memory.force_empty").write_text("0")
            except OSError:
                pass
        for _ in range(50):  # The last process may be on its way out.
            try:
                self.path.rmdir()
                return
            except OSError:
                time.sleep(0.1)


def read_memory(path, version):
    result = {}
    peak = path / OwnGroup.FILES[version][1]
    if peak.exists():
        result["peak"] = int(peak.read_text())
    if version == 1:
        # Where memory and memory with swap have one limit, the kernel counts hits at the second; some kernels count none, and
        # then the peak tells: it cannot come that near without a hit.
        counters = [path / "memory.failcnt", path / "memory.memsw.failcnt"]
        hits = sum(int(counter.read_text()) for counter in counters if counter.exists())
        reached = result["peak"] >= int((path / "memory.limit_in_bytes").read_text()) - NEAR
        result["limit_hits"] = max(hits, int(reached))
    elif (path / "memory.events").exists():
        events = dict(line.split() for line in (path / "memory.events").read_text().splitlines())
        result["limit_hits"] = int(events["max"])
    return result


class SystemdScope:
    """A scope that systemd makes and removes; it is gone with its process, so its counters are read while that lives."""

    name = "systemd-run --scope"

    def __init__(self, limit, root=MEMORY):
        self.limit, self.root, self.last = limit, pathlib.Path(root), {}

    def command(self, command):
        user = [] if os.geteuid() == 0 else ["--user"]
        return ["systemd-run", "--scope", "--quiet", "--collect", *user, f"--property=MemoryMax={self.limit}",
                "--property=MemorySwapMax=0", *command]

    def memory(self, pid):
        try:
            line = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1]
            self.last = read_memory(self.root / line.split(":", 2)[2].lstrip("/"), 2) or self.last
        except (OSError, IndexError, KeyError):
            pass
        return self.last

    def close(self):
        pass


def own_places(cgroups, mounts):
    """(version, folder) of where this process could make a group: its own group first, then those above."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        version = 1 if "memory" in controllers.split(",") else 2 if not controllers else None
        for mount in mounts.splitlines():
            fields = mount.split()
            options = fields[3].split(",")
            if (version == 1 and fields[2] == "cgroup" and "memory" in options) or (version == 2 and fields[2] == "cgroup2"):
                top = pathlib.Path(fields[1])
                folder = top / path.lstrip("/")
                while folder != top.parent:
                    yield version, folder
                    folder = folder.parent


def open_group(limit, unlimited=False):
    """A group for one process with at most `limit` bytes."""
    if unlimited:
        return Unlimited()
    places = sorted(own_places(pathlib.Path("/proc/self/cgroup").read_text(), pathlib.Path("/proc/mounts").read_text()),
                    key=lambda place: place[0])
    problems = []
    for version, folder in places:
        path = folder / f"strata-out-of-core-{os.getpid()}"
        try:
            return OwnGroup(path, version, limit)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if shutil.which("systemd-run") and shutil.which("systemctl"):
        state = subprocess.run(["systemctl", "is-system-running"], capture_output=True, text=True).stdout.strip()
        if state in ("running", "degraded"):
            return SystemdScope(limit)
        problems.append(f"systemd is {state or 'not there'}")
    raise Refusal(3, "memory cannot be limited (" + "; ".join(problems[-3:]) + "): run as root, or measure without a limit "
                  "by --no-cgroup")
