#!/usr/bin/env python3
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a program that is refused the processor's tile registers (AMX). usage: without_amx.py PROGRAM ARGUMENT...

llama.cpp asks the system for them and keeps weights in AMX's layout if it gets them; refused, it repacks for AVX-512, as
processors without AMX do. A program asks with arch_prctl(ARCH_REQ_XCOMP_PERM), which a filter of system calls refuses.
"""
import ctypes
import os
import platform
import struct
import sys

ARCH_PRCTL, ARCH_REQ_XCOMP_PERM = 158, 0x1023
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ERRNO with EPERM
FILTER = [  # (code, jump if true, jump if false, operand); at 0 is the call's number, at 16 its first argument.
    (LOAD_WORD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 3, ARCH_PRCTL), (LOAD_WORD, 0, 0, 16), (JUMP_IF_EQUAL, 0, 1, ARCH_REQ_XCOMP_PERM),
    (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]


class FilterProgram(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def main():
    if len(sys.argv) < 2 or platform.machine() != "x86_64":
        sys.exit(__doc__ if len(sys.argv) < 2 else "without_amx.py: only for x86-64")
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in FILTER))
    program = FilterProgram(len(FILTER), ctypes.cast(code, ctypes.c_void_p))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        sys.exit(f"without_amx.py: the filter is refused: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
