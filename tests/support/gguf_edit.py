# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GGUF headers taken apart and put together again, so that a test can spoil one place and leave the rest whole.

The data section of what is written here is a hole of the right size: nothing that these files are for reads weights.
"""
import mmap
import struct

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
SIMPLE = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B", U64: "<Q", I64: "<q", F64: "<d"}
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 8: (32, 34), 14: (256, 210)}  # type: (elements, bytes)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def string(self):
        length = self.take("<Q")
        self.at += length
        return self.data[self.at - length:self.at]

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner = self.take("<I")
            return (inner, [self.value(inner) for _ in range(self.take("<Q"))])
        return self.take(SIMPLE[kind])


def pack_string(text):
    return struct.pack("<Q", len(text)) + text


def pack_value(kind, value):
    if isinstance(value, bytes) and kind != STRING:  # Raw bytes stand for themselves.
        return value
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        inner, values = value
        return struct.pack("<IQ", inner, len(values)) + b"".join(pack_value(inner, one) for one in values)
    return struct.pack(SIMPLE[kind], value)


class Tensor:
    def __init__(self, name, dimensions, kind, offset):
        self.name, self.dimensions, self.kind, self.offset = name, dimensions, kind, offset

    def size(self):
        elements, size = BLOCKS[self.kind]
        total = 1
        for dimension in self.dimensions:
            total *= dimension
        return total // elements * size

    def pack(self):
        return (pack_string(self.name) + struct.pack("<I", len(self.dimensions)) +
                b"".join(struct.pack("<Q", one & (2**64 - 1)) for one in self.dimensions) +
                struct.pack("<IQ", self.kind, self.offset))


class Gguf:
    """The header of a file. Keys are bytes; values are (type, value) pairs in `keys`, a list, so that one can come twice."""

    def __init__(self, path):
        with open(path, "rb") as file:  # Mapped: a header's file may be large.
            reader = Reader(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.magic, self.version = reader.data[:4], struct.unpack_from("<I", reader.data, 4)[0]
        reader.at = 8
        tensors, keys = reader.take("<Q"), reader.take("<Q")
        self.counts = [None, None]  # Of tensors and keys, where a test wants wrong ones.
        self.keys = []
        for _ in range(keys):
            name, kind = reader.string(), reader.take("<I")
            self.keys.append([name, kind, reader.value(kind)])
        self.tensors = []
        for _ in range(tensors):
            name = reader.string()
            dimensions = [reader.take("<Q") for _ in range(reader.take("<I"))]
            self.tensors.append(Tensor(name, dimensions, reader.take("<I"), reader.take("<Q")))
        self.alignment = 32
        self.size = max(tensor.offset + tensor.size() for tensor in self.tensors)

    def key(self, name):
        return next(key for key in self.keys if key[0] == name)

    def set(self, name, value, kind=None):
        key = self.key(name)
        key[2] = value
        if kind is not None:
            key[1] = kind

    def drop(self, name):
        self.keys.remove(self.key(name))

    def add(self, name, kind, value):
        self.keys.append([name, kind, value])

    def tensor(self, name):
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def header(self):
        tensors, keys = self.counts
        out = [self.magic, struct.pack("<IQQ", self.version, len(self.tensors) if tensors is None else tensors,
                                       len(self.keys) if keys is None else keys)]
        for name, kind, value in self.keys:
            out += [pack_string(name), struct.pack("<I", kind), pack_value(kind, value)]
        return b"".join(out + [tensor.pack() for tensor in self.tensors])

    def write(self, path, missing=0):
        """Writes the header and a hole for the data, `missing` bytes short of whole."""
        header = self.header()
        start = (len(header) + self.alignment - 1) // self.alignment * self.alignment
        with open(path, "wb") as file:
            file.write(header)
            file.truncate(max(len(header), start + self.size - missing))
