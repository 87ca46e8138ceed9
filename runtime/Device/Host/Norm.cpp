// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Norm.h"

#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/LaneSum.h"

#include <cmath>

namespace strata::host {

void normalise(const float *numbers, const float *weight, uint64_t count, float epsilon, float *out) {
  double mean = laneDot<double>(numbers, numbers, count) / static_cast<double>(count);
  auto scale = static_cast<float>(1.0 / std::sqrt(mean + static_cast<double>(epsilon)));
  for (uint64_t i = 0; i < count; ++i)
    out[i] = (numbers[i] * scale) * weight[i];
}

void rmsNorm(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &weight = call.reads[1], &result = call.writes[0];
  const auto *factors = reinterpret_cast<const float *>(weight.data);
  context.pool.parallelFor(call.rows, grainFor(input.columns), [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t row = begin; row < end; ++row)
      normalise(rowOf<const float>(input, row), factors, input.columns, call.parameters.epsilon,
                rowOf<float>(result, row));
  });
}

} // namespace strata::host
