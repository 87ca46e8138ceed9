# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is measured: the model's file, its sizes, the device below it, and what of it is in the page cache."""
import ctypes
import mmap
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from gguf_edit import Gguf  # noqa: E402
from memory_group import Refusal  # noqa: E402

PAGE = mmap.PAGESIZE


class Model:
    """Sizes of a GGUF, of its header."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        status = self.path.stat()
        self.bytes = status.st_size
        if status.st_blocks * 512 + (1 << 20) < status.st_size:
            raise Refusal(1, f"{path} has holes, for which nothing is read: give a file that is all there")
        header = Gguf(self.path)
        numbers = {key.decode(): value for key, _, value in header.keys if isinstance(value, int)}
        self.experts = numbers["deepseek2.expert_count"]
        self.used = numbers["deepseek2.expert_used_count"]
        routed = [tensor for tensor in header.tensors if b"_exps." in tensor.name]
        self.moe_layers = len(routed) // 3
        self.slab_bytes = routed[0].size() // self.experts
        self.expert_bytes = 3 * self.slab_bytes
        self.operations_per_token = 2 * sum(self.values(tensor) * (self.used if tensor in routed else self.experts) // self.experts
                                            for tensor in header.tensors if self.multiplies(tensor))
        layers, heads, latent, rope = (numbers[f"deepseek2.{key}"] for key in (
            "block_count", "attention.head_count", "attention.kv_lora_rank", "rope.dimension_count"))
        self.attention_operations_per_position = 2 * layers * heads * (2 * latent + rope)

    def attention_operations(self, tokens):
        """Of a prompt from position 0, absorbed: every token sees itself and those before."""
        return self.attention_operations_per_position * tokens * (tokens + 1) // 2

    @staticmethod
    def values(tensor):
        product = 1
        for dimension in tensor.dimensions:
            product *= dimension
        return product

    @staticmethod
    def multiplies(tensor):
        """Every token is multiplied with it; the output matrix is for a prompt's last token alone."""
        return len(tensor.dimensions) > 1 and tensor.name not in (b"token_embd.weight", b"output.weight")


def readahead(path):
    """Bytes of readahead of the device below a file; nothing if there is none to ask."""
    device = os.stat(path).st_dev
    folder = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for place in (folder, folder.parent):  # A partition's queue is that of its disk.
        if (place / "queue/read_ahead_kb").exists():
            return int((place / "queue/read_ahead_kb").read_text()) * 1024
    return None


def resident_bytes(path):
    """Of a file, how much is in the page cache."""
    size = os.path.getsize(path)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    with open(path, "rb") as file:
        address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")
    pages = (ctypes.c_ubyte * ((size + PAGE - 1) // PAGE))()
    try:
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), pages) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
    finally:
        libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return bytes(pages).translate(bytes(value & 1 for value in range(256))).count(1) * PAGE


def drop_cached(path):
    """Takes a file out of the page cache. Returns what is left of it there, in bytes."""
    with open(path, "rb") as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    left = resident_bytes(path)
    if left > os.path.getsize(path) // 100:
        try:
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
            left = resident_bytes(path)
        except OSError:
            pass
    return left
