// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// kv_append.
#include "runtime/Device/Host/KvCache.h"

#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Norm.h"
#include "runtime/Device/Host/Rope.h"

namespace strata::host {

static void writeRow(const KvView &kv, const float *numbers, std::byte *to) {
  uint64_t count = static_cast<uint64_t>(kv.latent) + kv.rope;
  if (kv.encoding == schema::KvEncoding::f32) {
    std::memcpy(to, numbers, count * sizeof(float));
    return;
  }
  auto *halves = reinterpret_cast<uint16_t *>(to);
  for (uint64_t i = 0; i < count; ++i)
    halves[i] = f32ToF16(numbers[i]);
}

void kvAppend(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &weight = call.reads[1];
  const BoundOperand &positions = call.reads[2], &sequences = call.reads[3];
  const KvView &kv = *call.writes[0].kv;
  const CallParameters &parameters = call.parameters;
  auto rows = [&](uint64_t begin, uint64_t end, unsigned worker) {
    auto *numbers = reinterpret_cast<float *>(context.workerScratch(worker));
    float *rotation = numbers + kv.latent + kv.rope;
    for (uint64_t row = begin; row < end; ++row) {
      int32_t position = *rowOf<const int32_t>(positions, row);
      auto sequence = static_cast<uint64_t>(*rowOf<const int32_t>(sequences, row));
      const float *from = rowOf<const float>(input, row);
      normalise(from, reinterpret_cast<const float *>(weight.data), kv.latent, parameters.epsilon, numbers);
      rotationOf(position, parameters.frequencies, parameters.magnitude, rotation);
      rotate(from + kv.latent, rotation, kv.rope / 2, numbers + kv.latent);
      writeRow(kv, numbers, cachedRow(kv, sequence, static_cast<uint64_t>(position)));
    }
  };
  context.pool.parallelFor(call.rows, grainFor((static_cast<uint64_t>(kv.latent) + kv.rope) * 8), rows);
}

} // namespace strata::host
