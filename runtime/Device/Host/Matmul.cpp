// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// matmul, gated_matmul and head_matmul.
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

Result<void> matmul(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &weight = call.reads[1], &residual = call.reads[2];
  const BoundOperand &result = call.writes[0];
  STRATA_ASSIGN(Product product, makeProduct(context, weight, input, call));
  Columns columns = columnsOf(input);
  bool hasResidual = present(residual);
  auto rows = [&](uint64_t begin, uint64_t end, unsigned) {
    forEachSum(product, 0, begin, end, columns, call.rows, [&](uint64_t column, uint64_t row, float sum) {
      rowOf<float>(result, column)[row] = hasResidual ? sum + rowOf<const float>(residual, column)[row] : sum;
    });
  };
  context.pool.parallelFor(weight.dimensions[1], grainFor(product.length * call.rows), rows);
  return {};
}

Result<void> gatedMatmul(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &result = call.writes[0];
  STRATA_ASSIGN(Product gate, makeProduct(context, call.reads[1], input, call));
  STRATA_ASSIGN(Product up, makeProduct(context, call.reads[2], input, call));
  Columns columns = columnsOf(input);
  auto rows = [&](uint64_t begin, uint64_t end, unsigned) {
    auto store = [&](uint64_t column, uint64_t row, float gateSum, float upSum) {
      rowOf<float>(result, column)[row] = silu(gateSum) * upSum;
    };
    forEachPair(gate, up, 0, begin, end, columns, call.rows, store);
  };
  context.pool.parallelFor(call.reads[1].dimensions[1], grainFor(gate.length * call.rows * 2), rows);
  return {};
}

Result<void> headMatmul(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &weight = call.reads[1], &result = call.writes[0];
  STRATA_ASSIGN(Product product, makeProduct(context, weight, input, call));
  uint64_t rowsPerHead = weight.dimensions[1];
  Columns wholeColumns = columnsOf(input);
  auto rows = [&](uint64_t begin, uint64_t end, unsigned) {
    forEachPass(product, begin, end, call.rows, [&](uint64_t row, uint64_t first, uint64_t count) {
      Columns columns = wholeColumns;
      columns.offset = row / rowsPerHead * product.length;
      float sums[kManyColumns];
      product(row, columns, first, count, sums);
      for (uint64_t column = 0; column < count; ++column)
        rowOf<float>(result, first + column)[row] = sums[column];
    });
  };
  context.pool.parallelFor(weight.dimensions[0] * rowsPerHead, grainFor(product.length * call.rows), rows);
  return {};
}

} // namespace strata::host
