# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes NAME.blocks, encoded weights, and NAME.f32, what the gguf package makes of them, for DequantiseTest.cpp.

usage: python make_golden.py    (needs numpy and gguf; writes into its own folder)

Scales go through every special pattern first (zeros, subnormals, the extremes, infinities, NaNs) and are random after.
"""

import pathlib

import numpy
from gguf import GGMLQuantizationType, quants

FOLDER = pathlib.Path(__file__).parent
BLOCKS = 48
SPECIAL_F16 = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFFFF]
SPECIAL_F32 = [0x00000000, 0x80000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00001]
# Name, bytes of a block, and where its f16 scales are.
FORMATS = [("Q4_0", 18, [0]), ("Q4_1", 20, [0, 2]), ("Q8_0", 34, [0]), ("Q6_K", 210, [208])]


def write(name, blocks):
    with numpy.errstate(all="ignore"):
        numbers = quants.dequantize(blocks, getattr(GGMLQuantizationType, name))
    (FOLDER / f"{name}.blocks").write_bytes(blocks.tobytes())
    (FOLDER / f"{name}.f32").write_bytes(numbers.astype("<f4").tobytes())


def main():
    random = numpy.random.default_rng(20250821)
    for name, size, scales in FORMATS:
        blocks = random.integers(0, 256, (BLOCKS, size), dtype=numpy.uint8)
        for place, at in enumerate(scales):
            for i, pattern in enumerate(SPECIAL_F16):
                # A second scale goes through them from another start, so that specials meet each other.
                row = (i + 5 * place) % len(SPECIAL_F16)
                blocks[row, at : at + 2] = [pattern & 255, pattern >> 8]
        write(name, blocks)
    halves = numpy.concatenate([numpy.array(SPECIAL_F16, "<u2"), random.integers(0, 65536, 498, dtype="<u2")])
    write("F16", halves.view(numpy.uint8))
    singles = numpy.concatenate([numpy.array(SPECIAL_F32, "<u4"), random.integers(0, 2**32, 503, dtype="<u4")])
    write("BF16", (singles >> 16).astype("<u2").view(numpy.uint8))
    write("F32", singles.view(numpy.uint8))


main()
