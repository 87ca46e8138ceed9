# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""strata-probe: what it writes is a machine file, what it makes is gone, and what it refuses."""
import json
import os
import pathlib
import time
import unittest

from strata_test import BIN, TINY, ToolTest

SMALL = "--bytes=64MiB"  # Of the temporary file: enough to see that all parts run.


class Probe(ToolTest):
    def probe(self, *options):
        path = self.folder / "machine.json"
        result = self.succeed("strata-probe", "-o", path, *options)
        return json.loads(path.read_text()), result.out

    def withFakeDriver(self, wish=""):
        environment = dict(os.environ, LD_LIBRARY_PATH=str(BIN.parent / "tests/fake-cuda"), FAKE_CUDA=wish)
        path = self.folder / "machine.json"
        result = self.succeed("strata-probe", "-o", path, "--disk=/proc", env=environment)
        self.assertNotIn("not given back", result.error)
        return json.loads(path.read_text()), result.out

    def testAGpuIsMeasured(self):
        machine, text = self.withFakeDriver()
        gpu = machine["gpu"]
        self.assertEqual((gpu["arch"], gpu["memory"]), ("sm_70", {"measured": "34058272768B"}))
        # The fake's copies are no faster than that; a copy on the device reads and writes.
        for figure, most in (("pcie", 2), ("bandwidth", 8)):
            rate = float(gpu[figure]["measured"].removesuffix("B/s")) / 1e9
            self.assertLessEqual(rate, most, figure)
            self.assertGreater(rate, most / 20, figure)
        for figure in ("reserved", "product_rate", "attention_rate"):
            self.assertIn("assumed", gpu[figure])
        self.assertEqual(machine["system"]["gpu"], "Fake V100S, the first of 2")
        self.assertRegex(text, r"gpu +Fake V100S: sm_70 with 31.7 GiB, the first of 2\n +memory [\d.]+ GB/s, from pinned")
        plan = self.succeed("strata-plan", TINY, f"--machine={self.folder / 'machine.json'}")
        self.assertRegex(plan.out, r"probed: sm_70 31.7 GiB, PCIe [\d.]+ GB/s measured")

    def testAGpuThatCannotBeMeasuredIsSaid(self):
        for wish, reason in (("none", "the CUDA driver has no GPU"),
                             ("cuInit", "the CUDA driver does not start (CUDA_ERROR_UNKNOWN)"),
                             ("cuMemAlloc", "cuMemAlloc fails (CUDA_ERROR_UNKNOWN)"),
                             ("cuMemAllocHost", "cuMemAllocHost fails (CUDA_ERROR_UNKNOWN)"),
                             ("cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRetain fails (CUDA_ERROR_UNKNOWN)"),
                             ("cuCtxSynchronize", "cuCtxSynchronize fails (CUDA_ERROR_UNKNOWN)"),
                             ("cuMemcpyDtoD", "cuMemcpyDtoD fails (CUDA_ERROR_UNKNOWN)")):
            machine, text = self.withFakeDriver(wish)
            self.assertNotIn("gpu", machine)
            self.assertEqual(machine["system"]["gpu"], f"{reason}: GPU not measured")
            self.assertIn(f"gpu        {reason}: GPU not measured", text)

    def testWhatIsNoDriverIsNone(self):
        folder = self.folder / "driver"
        folder.mkdir()
        (folder / "libcuda.so.1").write_bytes(b"no library")
        environment = dict(os.environ, LD_LIBRARY_PATH=str(folder))
        result = self.succeed("strata-probe", "--disk=/proc", env=environment)
        self.assertIn("gpu        no CUDA driver: GPU not measured", result.error)

    def dataFile(self, megabytes):
        path = self.folder / "weights.gguf"
        block = os.urandom(1 << 20)
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        return path

    def testADirectory(self):
        folder = self.folder / "disk"
        folder.mkdir()
        start = time.monotonic()
        machine, text = self.probe(f"--disk={folder}", SMALL)
        self.assertLess(time.monotonic() - start, 60)
        self.assertEqual(list(folder.iterdir()), [], "the temporary file is gone")
        self.assertIn("measured", machine["memory_bandwidth"])
        self.assertIn("measured", machine["ram"])
        self.assertIn("assumed", machine["product_rate"], "nobody measured it")
        self.assertIn("products   not measured", text)
        for note in ("io_uring", "locked_memory", "control_group", "huge_pages", "gpu", "disk"):
            self.assertTrue(machine["system"][note], note)
        if "not measured" in machine["system"]["disk"]:
            self.assertIn("assumed", machine["disk"]["reads"][0]["bandwidth"])
        else:
            self.assertTrue(all("measured" in read["bandwidth"] for read in machine["disk"]["reads"]))
            self.assertIn("8.0 MiB x 8 ", text)
        self.assertIn("through the page cache", text)
        # The other tools take it.
        plan = self.succeed("strata-plan", TINY, f"--machine={self.folder / 'machine.json'}")
        self.assertIn("probed: no GPU", plan.out)

    def testAFileIsOnlyRead(self):
        path = self.dataFile(48)
        before = path.stat()
        machine, text = self.probe(f"--disk={path}")
        after = path.stat()
        self.assertEqual((before.st_mtime_ns, before.st_size), (after.st_mtime_ns, after.st_size))
        self.assertIn("weights.gguf", text)
        self.assertEqual({entry.name for entry in self.folder.iterdir()}, {"weights.gguf", "machine.json"})

    def testStdoutIsTheMachineFile(self):
        result = self.succeed("strata-probe", f"--disk={self.folder}", SMALL)
        self.assertEqual(json.loads(result.out)["name"], "probed")
        self.assertIn("cores ", result.error)

    def testFilesThatSayNothingAreRefused(self):
        sparse = self.folder / "sparse.gguf"
        with open(sparse, "wb") as file:
            file.truncate(1 << 30)
        self.assertIn("has holes", self.refuse(1, "", "strata-probe", f"--disk={sparse}").error)
        short = self.folder / "short.gguf"
        short.write_bytes(b"a" * 5000)
        self.assertIn("at least 32.0 MiB", self.refuse(1, "", "strata-probe", f"--disk={short}").error)
        self.refuse(1, "", "strata-probe", f"--disk={self.folder / 'missing'}")
        self.refuse(1, "", "strata-probe", "--disk=/dev/zero")

    def testADirectoryThatTakesNoFileIsSaid(self):
        machine, text = self.probe("--disk=/proc")
        self.assertIn("disk       not measured, 1.0 GB/s are assumed: no file can be measured in", text)
        self.assertEqual(machine["system"]["disk"], "not measured")
        self.assertIn("assumed", machine["disk"]["reads"][0]["bandwidth"])

    def testOutputThatCannotBeWritten(self):
        output = self.folder / "no" / "machine.json"
        self.refuse(3, "", "strata-probe", "-o", output, "--disk=/proc")
        self.refuse(2, "", "strata-probe", "-o", output, "--bytes=4")

    def testNothingIsLeftWhenItIsKilled(self):
        # The temporary file has no name from the moment that it is open.
        import subprocess
        import strata_test
        folder = self.folder / "disk"
        folder.mkdir()
        process = subprocess.Popen([strata_test.BIN / "strata-probe", f"--disk={folder}"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        descriptors = pathlib.Path(f"/proc/{process.pid}/fd")
        deadline = time.monotonic() + 60
        try:
            while time.monotonic() < deadline and process.poll() is None:
                if any("strata-probe-" in os.readlink(one) for one in list(descriptors.iterdir())):
                    break
                time.sleep(0.05)
        except FileNotFoundError:
            pass  # A descriptor that was closed in between.
        process.kill()
        process.wait()
        self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
