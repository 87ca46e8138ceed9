// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device's operations: one function each, of the meaning that docs/operations.md gives it and with the sums of
// docs/numbers.md. Those that multiply by weights can fail as makeProduct does.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/ThreadPool.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strata::host {

/// What an operation runs on.
struct Context {
  ThreadPool &pool;
  Isa isa; ///< The level of instruction set.
  std::byte *scratch;
  uint64_t workerScratchBytes;

  std::byte *workerScratch(unsigned worker) const { return scratch + worker * workerScratchBytes; }
};

void embed(const Context &context, const KernelCall &call);
void add(const Context &context, const KernelCall &call);
void rmsNorm(const Context &context, const KernelCall &call);
void quantise(const Context &context, const KernelCall &call);
Result<void> matmul(const Context &context, const KernelCall &call);
Result<void> gatedMatmul(const Context &context, const KernelCall &call);
Result<void> headMatmul(const Context &context, const KernelCall &call);
void queryRope(const Context &context, const KernelCall &call);
void kvAppend(const Context &context, const KernelCall &call);
void attention(const Context &context, const KernelCall &call);
void attentionSplits(const Context &context, const KernelCall &call);
void attentionCombine(const Context &context, const KernelCall &call);
void route(const Context &context, const KernelCall &call);
Result<void> expertsGateUp(const Context &context, const KernelCall &call);
Result<void> expertsDown(const Context &context, const KernelCall &call);
Result<void> experts(const Context &context, const KernelCall &call);

/// Row `row` of a value.
template <typename Number> inline Number *rowOf(const BoundOperand &value, uint64_t row) {
  return reinterpret_cast<Number *>(value.data + row * value.rowBytes);
}

inline bool present(const BoundOperand &operand) {
  return operand.kind != schema::OperandKind::none;
}

/// How many tasks of `work` multiplications (or as much other work) are worth waking another thread for.
inline uint64_t grainFor(uint64_t work) {
  constexpr uint64_t kWorthWaking = 32768;
  return std::max<uint64_t>(1, kWorthWaking / std::max<uint64_t>(1, work));
}

} // namespace strata::host
