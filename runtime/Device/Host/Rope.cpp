// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Rope.h"

#include "runtime/Device/Host/Kernels.h"

#include <algorithm>
#include <cmath>

namespace strata::host {

void rotationOf(int32_t position, std::span<const float> frequencies, float magnitude, float *out) {
  for (uint64_t pair = 0; pair < frequencies.size(); ++pair) {
    double angle = static_cast<double>(static_cast<float>(position) * frequencies[pair]);
    out[pair] = static_cast<float>(std::cos(angle)) * magnitude;
    out[frequencies.size() + pair] = static_cast<float>(std::sin(angle)) * magnitude;
  }
}

void rotate(const float *numbers, const float *rotation, uint64_t pairs, float *out) {
  for (uint64_t pair = 0; pair < pairs; ++pair) {
    float x = numbers[2 * pair], y = numbers[2 * pair + 1];
    float cosine = rotation[pair], sine = rotation[pairs + pair];
    out[2 * pair] = x * cosine - y * sine;
    out[2 * pair + 1] = x * sine + y * cosine;
  }
}

void queryRope(const Context &context, const KernelCall &call) {
  const BoundOperand &queries = call.reads[0], &positions = call.reads[1];
  const BoundOperand &nopeResult = call.writes[0], &ropeResult = call.writes[1];
  const CallParameters &parameters = call.parameters;
  uint64_t heads = parameters.heads, nope = parameters.nope, pairs = parameters.frequencies.size();
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned worker) {
    auto *rotation = reinterpret_cast<float *>(context.workerScratch(worker));
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / heads, head = task % heads;
      if (task == begin || head == 0)
        rotationOf(*rowOf<const int32_t>(positions, row), parameters.frequencies, parameters.magnitude, rotation);
      const float *query = rowOf<const float>(queries, row) + head * (nope + 2 * pairs);
      std::copy_n(query, nope, rowOf<float>(nopeResult, row) + head * nope);
      rotate(query + nope, rotation, pairs, rowOf<float>(ropeResult, row) + head * 2 * pairs);
    }
  };
  context.pool.parallelFor(call.rows * heads, grainFor(nope + 8 * pairs), tasks);
}

} // namespace strata::host
