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
  auto rows = [&](uint64_t begin, uint64_t end) {
    forEachSum(product, 0, begin, end, columns, call.rows, [&](uint64_t column, uint64_t row, float sum) {
      rowOf<float>(result, column)[row] = hasResidual ? sum + rowOf<const float>(residual, column)[row] : sum;
    });
  };
  forEachRange(context, product, weight.dimensions[1], product.length * call.rows, rows);
  return {};
}

Result<void> gatedMatmul(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &result = call.writes[0];
  STRATA_ASSIGN(Product gate, makeProduct(context, call.reads[1], input, call));
  STRATA_ASSIGN(Product up, makeProduct(context, call.reads[2], input, call));
  Columns columns = columnsOf(input);
  auto rows = [&](uint64_t begin, uint64_t end) {
    auto store = [&](uint64_t column, uint64_t row, float gateSum, float upSum) {
      rowOf<float>(result, column)[row] = silu(gateSum) * upSum;
    };
    forEachPair(gate, up, 0, begin, end, columns, call.rows, store);
  };
  forEachRange(context, gate, call.reads[1].dimensions[1], gate.length * call.rows * 2, rows);
  return {};
}

Result<void> headMatmul(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &weight = call.reads[1], &result = call.writes[0];
  STRATA_ASSIGN(Product product, makeProduct(context, weight, input, call));
  uint64_t rowsPerHead = weight.dimensions[1];
  Columns columns = columnsOf(input);
  // Rows of one head, counted from it.
  auto rowsOfHead = [&](uint64_t head, uint64_t begin, uint64_t end) {
    Columns part = columns;
    part.offset = head * product.length;
    forEachSum(product, head * rowsPerHead, begin, end, part, call.rows, [&](uint64_t column, uint64_t row, float sum) {
      rowOf<float>(result, column)[head * rowsPerHead + row] = sum;
    });
  };
  auto rows = [&](uint64_t begin, uint64_t end) {
    while (begin < end) {
      uint64_t head = begin / rowsPerHead, first = begin - head * rowsPerHead;
      uint64_t count = std::min(end - begin, rowsPerHead - first);
      rowsOfHead(head, first, first + count);
      begin += count;
    }
  };
  forEachRange(context, product, weight.dimensions[0] * rowsPerHead, product.length * call.rows, rows);
  return {};
}

} // namespace strata::host
