// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// embed and add.
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Weights/Dequantise.h"

namespace strata::host {

void embed(const Context &context, const KernelCall &call) {
  const BoundOperand &tokens = call.reads[0], &weight = call.reads[1], &result = call.writes[0];
  uint64_t width = weight.dimensions[2];
  uint64_t rowBytes = encodedBytes(weight.encoding, width, 1).value();
  context.pool.parallelFor(call.rows, grainFor(width), [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t row = begin; row < end; ++row) {
      auto token = static_cast<uint64_t>(*rowOf<const int32_t>(tokens, row));
      dequantise(weight.encoding, weight.data + token * rowBytes, width, rowOf<float>(result, row));
    }
  });
}

void add(const Context &context, const KernelCall &call) {
  const BoundOperand &left = call.reads[0], &right = call.reads[1], &result = call.writes[0];
  context.pool.parallelFor(call.rows, grainFor(result.columns), [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t row = begin; row < end; ++row) {
      const float *a = rowOf<const float>(left, row), *b = rowOf<const float>(right, row);
      float *sum = rowOf<float>(result, row);
      for (uint64_t i = 0; i < result.columns; ++i)
        sum[i] = a[i] + b[i];
    }
  });
}

} // namespace strata::host
