# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad models: each ends in one clear sentence with its id, exit code 1 and nothing written.

A case is named after the id of its check and says how the header of a good file is spoilt.
"""
import os
import shutil
import struct
import unittest

import gguf_edit as gguf
from strata_test import MODELS, TINY, ToolTest

ARCHITECTURE = b"general.architecture"
SPLIT = [f"tiny-0000{number}-of-00003.gguf" for number in (1, 2, 3)]


def key(name, value, kind=None):
    return lambda file: file.set(name, value, kind)


def added(name, kind, value):
    return lambda file: file.add(name, kind, value)


def tensor(of=b"blk.1.attn_q_b.weight", **fields):
    def spoil(file):
        for field, value in fields.items():
            setattr(file.tensor(of), field, value)
    return spoil


def field(**fields):
    def spoil(file):
        for name, value in fields.items():
            setattr(file, name, value)
    return spoil


def drop(*names):
    return lambda file: [file.drop(name) for name in names]


def drop_tensor(name):
    return lambda file: file.tensors.remove(file.tensor(name))


def duplicate_tensor(file):
    # Of a size that keeps the offsets of all others.
    file.tensor(b"blk.2.attn_norm.weight").name = b"blk.1.attn_norm.weight"


def no_groups_and_another_shape(file):
    drop(b"deepseek2.expert_group_count", b"deepseek2.expert_group_used_count")(file)


TOKENS = b"tokenizer.ggml.tokens"

# Id: what is spoilt, once or in several ways.
CASES = {
    "G03": field(magic=b"GGML"),
    "G04": [field(version=0), field(version=1), field(version=4)],
    "G05": field(version=0x03000000),
    "G06": [field(counts=[None, 2**64 - 1]), field(counts=[None, 5000])],
    "G07": [field(counts=[2**64 - 1, None]), field(counts=[70000, None])],
    "G08": added(b"", gguf.U32, 1),
    "G09": added(b"k" * 257, gguf.U32, 1),
    "G10": [added(b"a\0b", gguf.U32, 1), added(b"a\x1b[31m", gguf.U32, 1), added(b"a\xff", gguf.U32, 1)],
    "G11": added(b"deepseek2.block_count", gguf.U32, 6),
    "G12": added(b"strange", 99, b"\0" * 8),
    "G13": added(b"nested", gguf.ARRAY, (gguf.ARRAY, [(gguf.U8, [1])])),
    "G14": [added(b"long", gguf.ARRAY, struct.pack("<IQ", gguf.U8, 2**63)),
            added(b"long", gguf.ARRAY, struct.pack("<IQ", gguf.U64, 4 * 2**20 + 1))],
    "G15": [key(b"general.name", b"n" * (2 * 2**20)), key(TOKENS, (gguf.STRING, [b"t" * 2000] * 1024))],
    "G16": key(b"deepseek2.expert_weights_norm", 2),
    "G19": added(b"general.alignment", gguf.STRING, b"32"),
    "G20": added(b"general.alignment", gguf.U32, 0),
    "G21": added(b"general.alignment", gguf.U32, 48),
    "G22": added(b"general.alignment", gguf.U32, 2 * 2**20),
    "G24": [tensor(name=b""), tensor(name=b"n" * 64), tensor(name=b"a\nb")],
    "G25": duplicate_tensor,
    "G27": [tensor(dimensions=[]), tensor(dimensions=[32, 1, 1, 1, 1])],
    "G28": [tensor(dimensions=[96, 0]), tensor(dimensions=[96, -512])],
    "G29": tensor(dimensions=[2**40, 2**40]),
    "G30": [tensor(kind=4), tensor(kind=99)],
    "G31": tensor(of=b"output.weight", kind=13),
    "G32": tensor(dimensions=[100, 500]),
    "G33": tensor(kind=0, dimensions=[2**31, 2**31]),
    "G34": tensor(offset=819969),
    "G36": tensor(offset=0),
    "G43": [key(ARCHITECTURE, b"llama"), drop(ARCHITECTURE), key(ARCHITECTURE, 7, gguf.U32)],
    "G44": [drop(b"deepseek2.block_count"), key(b"deepseek2.block_count", b"six", gguf.STRING),
            key(b"deepseek2.block_count", 0), key(b"deepseek2.block_count", 2**31),
            key(b"deepseek2.attention.layer_norm_rms_epsilon", float("nan")), key(b"deepseek2.expert_weights_scale", float("inf"))],
    "G45": [key(b"deepseek2.expert_used_count", 33), key(b"deepseek2.expert_group_count", 5),
            key(b"deepseek2.attention.key_length", 161), key(b"deepseek2.vocab_size", 1000)],
    "G46": drop_tensor(b"blk.3.ffn_gate_exps.weight"),
    "G47": no_groups_and_another_shape,
}


class BadModel(ToolTest):
    def refuseModel(self, identifier, model, *options):
        before = sorted(os.listdir(self.folder))
        result = self.refuse(1, identifier, "strata-compile", model, "-o", self.folder / "out.strata", "--machine=host", *options)
        self.assertEqual(sorted(os.listdir(self.folder)), before, "something was written")
        return result

    def spoilt(self, spoil, missing=0):
        file = gguf.Gguf(TINY)
        spoil(file)
        path = self.folder / "bad.gguf"
        file.write(path, missing)
        return path

    def testTheGoodFileIsGood(self):
        # What spoils the cases below is their spoiling.
        self.succeed("strata-compile", self.spoilt(lambda file: None), "-o", self.folder / "out.strata", "--machine=host")

    def testG01(self):
        self.refuseModel("G01", self.folder)
        self.refuseModel("G01", self.folder / "missing.gguf")

    def testG02(self):
        path = self.folder / "pointer.gguf"
        path.write_bytes(b"version https://git")
        self.refuseModel("G02", path)

    def testG17(self):
        file = gguf.Gguf(TINY)
        file.counts[0], file.tensors = len(file.tensors), []
        path = self.folder / "cut.gguf"
        path.write_bytes(file.header()[:-2])  # Inside the last value.
        self.assertIn("general.quantization_version", self.refuseModel("G17", path).error)

    def testG18(self):
        # 9 arrays of 32 MiB, as a hole.
        file = gguf.Gguf(TINY)
        file.keys = file.keys[:1]
        file.tensors, file.counts = [], [0, 10]
        with open(self.folder / "big.gguf", "wb") as out:
            out.write(file.header())
            for number in range(9):
                out.write(gguf.pack_string(b"k%d" % number) + struct.pack("<IIQ", gguf.ARRAY, gguf.U64, 4 * 2**20))
                out.seek(32 * 2**20, os.SEEK_CUR)
            out.truncate()
        self.refuseModel("G18", self.folder / "big.gguf")

    def testG35(self):
        result = self.refuseModel("G35", self.spoilt(lambda file: None, missing=1000))
        self.assertIn("1000", result.error.replace(",", ""))
        # A header alone is enough for --header-only, cut at any place after it.
        path = self.folder / "header.gguf"
        for missing in (1000, 2**30):
            gguf.Gguf(TINY).write(path, missing)
            self.succeed("strata-compile", path, "-o", self.folder / "out.strata", "--machine=host", "--header-only")

    def testG37(self):
        path = self.spoilt(lambda file: None)
        with open(path, "ab") as file:
            file.write(b"x" * 1000)
        result = self.succeed("strata-compile", path, "-o", self.folder / "out.strata", "--machine=host")
        self.assertIn("warning", result.error)

    # Split sets.

    def copySplit(self, *edited):
        """Copies the split set, with parts (number from 1, spoil) changed."""
        for name in SPLIT:
            shutil.copy(MODELS / name, self.folder)
        for number, spoil in edited:
            file = gguf.Gguf(MODELS / SPLIT[number - 1])
            spoil(file)
            file.write(self.folder / SPLIT[number - 1])
        return self.folder / SPLIT[0]

    def testG23(self):
        self.refuseModel("G23", self.copySplit((2, added(b"general.alignment", gguf.U32, 64))))

    def testG26(self):
        first = gguf.Gguf(MODELS / SPLIT[0]).tensors[1].name
        self.refuseModel("G26", self.copySplit((3, lambda file: setattr(file.tensors[0], "name", first))))

    def testG38(self):
        self.refuseModel("G38", MODELS / SPLIT[1])

    def testG39(self):
        self.refuseModel("G39", self.copySplit((2, key(b"split.no", 2))))
        self.refuseModel("G39", self.copySplit((2, drop(b"split.no"))))
        self.refuseModel("G39", self.copySplit((1, key(b"split.count", 4))))

    def testG40(self):
        first = self.copySplit()
        (self.folder / SPLIT[1]).unlink()
        self.assertIn(SPLIT[1], self.refuseModel("G40", first).error)

    def testG41(self):
        self.refuseModel("G41", self.copySplit(*((number, key(b"split.tensors.count", 105)) for number in (1, 2, 3))))

    def testG42(self):
        self.refuseModel("G42", self.copySplit((3, added(ARCHITECTURE, gguf.STRING, b"llama"))))

    # What only the runtime reads.

    def testG47Option(self):
        path = self.spoilt(no_groups_and_another_shape)
        self.assertIn("--expert-groups", self.refuseModel("G47", path).error)
        self.succeed("strata-compile", path, "-o", self.folder / "out.strata", "--machine=host", "--expert-groups=8/4")

    def testG48(self):
        for spoil in (lambda file: file.key(TOKENS)[2][1].pop(), lambda file: file.key(b"tokenizer.ggml.token_type")[2][1].pop(),
                      key(b"tokenizer.ggml.eos_token_id", 1024),
                      lambda file: file.key(b"tokenizer.ggml.merges")[2][1].append(b"onepiece")):
            self.refuse(1, "G48", "strata-run", self.spoilt(spoil), "--tokenize")

    def testG50(self):
        artifact = self.compile()
        result = self.refuse(1, "G50", "strata-run", artifact, "--weights", MODELS / "router256.Q4_0.gguf", "--tokens=0")
        self.assertIn("router256.Q4_0.gguf", result.error)

    def testAnotherPreTokenizer(self):
        path = self.spoilt(key(b"tokenizer.ggml.pre", b"llama-bpe"))
        result = self.refuse(1, "", "strata-run", path, "--tokenize", stdin=b"text")
        self.assertIn("llama-bpe", result.error)
        # Token ids need no pre-tokenizer.
        artifact = self.compile(path)
        self.assertIn("llama-bpe", self.refuse(1, "", "strata-run", artifact, "-p", "A fox.").error)
        self.succeed("strata-run", artifact, "--tokens=0,5,6", "-n4")


def addCase(identifier, spoils):
    def test(self):
        for spoil in spoils if isinstance(spoils, list) else [spoils]:
            self.refuseModel(identifier, self.spoilt(spoil))
    setattr(BadModel, f"test{identifier}", test)


for identifier, spoils in CASES.items():
    addCase(identifier, spoils)


if __name__ == "__main__":
    unittest.main()
