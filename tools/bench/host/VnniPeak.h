// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the processor's instruction for products of bytes gives when nothing else is in its way.
#pragma once

#include "runtime/Device/Host/ThreadPool.h"

namespace strata::bench {

/// The processor has VPDPBUSD in registers of 64 bytes.
bool hasVnni();

/// 8-bit multiplications and additions a second of all the pool's threads, with nothing but VPDPBUSD in registers. Only
/// where there is VNNI.
double vnniPeak(ThreadPool &pool);

} // namespace strata::bench
