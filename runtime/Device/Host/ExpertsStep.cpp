// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// experts_gate_up and experts_down: the experts of a decode step, each token with its own. In parts, all but the first
// pass over what the others have computed.
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

Result<void> expertsGateUp(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &ids = call.reads[1], &result = call.writes[0];
  STRATA_ASSIGN(Product gate, makeProduct(context, call.reads[2], input, call));
  STRATA_ASSIGN(Product up, makeProduct(context, call.reads[3], input, call));
  Product sharedGate, sharedUp;
  if (present(call.reads[4])) {
    STRATA_ASSIGN(sharedGate, makeProduct(context, call.reads[4], input, call));
    STRATA_ASSIGN(sharedUp, makeProduct(context, call.reads[5], input, call));
  }
  Columns columns = columnsOf(input);
  uint64_t width = call.parameters.width, routed = call.parameters.expertsUsed * width;
  uint64_t rowWidth = routed + call.parameters.sharedWidth;
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t token = task / rowWidth, place = task % rowWidth;
      float gateSum, upSum;
      if (place < routed) {
        auto expert = static_cast<uint64_t>(rowOf<const int32_t>(ids, token)[place / width]);
        if (!isTaken(call, expert))
          continue;
        gate.of(expertMatrix(call.reads[2], expert))(place % width, columns, token, 1, &gateSum);
        up.of(expertMatrix(call.reads[3], expert))(place % width, columns, token, 1, &upSum);
      } else {
        if (call.part && !call.part->first)
          continue;
        sharedGate(place - routed, columns, token, 1, &gateSum);
        sharedUp(place - routed, columns, token, 1, &upSum);
      }
      rowOf<float>(result, token)[place] = silu(gateSum) * upSum;
    }
  };
  context.pool.parallelFor(call.rows * rowWidth, grainFor(gate.length * 2), tasks);
  return {};
}

Result<void> expertsDown(const Context &context, const KernelCall &call) {
  const BoundOperand &hidden = call.reads[0], &ids = call.reads[1], &weights = call.reads[2];
  const BoundOperand &residual = call.reads[5], &result = call.writes[0];
  STRATA_ASSIGN(Product down, makeProduct(context, call.reads[3], hidden, call));
  Product sharedDown;
  bool hasShared = present(call.reads[4]);
  if (hasShared) {
    STRATA_ASSIGN(sharedDown, makeProduct(context, call.reads[4], hidden, call));
  }
  uint64_t used = call.parameters.expertsUsed, width = call.parameters.width, embedding = result.columns;
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned) {
    Columns columns = columnsOf(hidden);
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t token = task / embedding, row = task % embedding;
      float sum = 0, product;
      for (uint64_t slot = 0; slot < used; ++slot) {
        auto expert = static_cast<uint64_t>(rowOf<const int32_t>(ids, token)[slot]);
        columns.offset = slot * width;
        down.of(expertMatrix(call.reads[3], expert))(row, columns, token, 1, &product);
        sum += rowOf<const float>(weights, token)[slot] * product;
      }
      if (hasShared) {
        columns.offset = used * width;
        sharedDown(row, columns, token, 1, &product);
        sum += product;
      }
      rowOf<float>(result, token)[row] = present(residual) ? rowOf<const float>(residual, token)[row] + sum : sum;
    }
  };
  context.pool.parallelFor(call.rows * embedding, grainFor(down.length * used), tasks);
  return {};
}

} // namespace strata::host
