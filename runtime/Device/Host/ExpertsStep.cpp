// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// experts_gate_up and experts_down: the experts of a decode step, each token with its own. In parts, all but the first
// pass over what the others have computed.
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

/// How many rows of `work` multiplications a thread takes at least.
static uint64_t rowsWorthWaking(uint64_t work) {
  return std::max(kPanelRows, grainFor(work));
}

/// One token's row.
static Columns rowAsColumn(const BoundOperand &value, uint64_t token) {
  Columns columns = columnsOf(value);
  columns.data += token * columns.rowBytes;
  return columns;
}

Result<void> expertsGateUp(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &ids = call.reads[1], &result = call.writes[0];
  STRATA_ASSIGN(Product gate, makeProduct(context, call.reads[2], input, call));
  STRATA_ASSIGN(Product up, makeProduct(context, call.reads[3], input, call));
  Product sharedGate, sharedUp;
  if (present(call.reads[4])) {
    STRATA_ASSIGN(sharedGate, makeProduct(context, call.reads[4], input, call));
    STRATA_ASSIGN(sharedUp, makeProduct(context, call.reads[5], input, call));
  }
  uint64_t width = call.parameters.width, routed = call.parameters.expertsUsed * width;
  uint64_t rowWidth = routed + call.parameters.sharedWidth;
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned) {
    // The rows of one expert at a time.
    for (uint64_t task = begin, count; task < end; task += count) {
      uint64_t token = task / rowWidth, place = task % rowWidth;
      bool isShared = place >= routed;
      uint64_t row = isShared ? place - routed : place % width;
      count = std::min(end - task, (isShared ? rowWidth - routed : width) - row);
      auto store = [&](uint64_t, uint64_t at, float gateSum, float upSum) {
        rowOf<float>(result, token)[place - row + at] = silu(gateSum) * upSum;
      };
      Columns column = rowAsColumn(input, token);
      if (isShared) {
        if (!call.part || call.part->first)
          forEachPair(sharedGate, sharedUp, 0, row, row + count, column, 1, store);
        continue;
      }
      auto expert = static_cast<uint64_t>(rowOf<const int32_t>(ids, token)[place / width]);
      if (isTaken(call, expert))
        forEachPair(gate.ofExpert(call.reads[2], expert), up.ofExpert(call.reads[3], expert), 0, row, row + count,
                    column, 1, store);
    }
  };
  context.pool.parallelFor(call.rows * rowWidth, rowsWorthWaking(gate.length * 2), tasks);
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
    for (uint64_t task = begin, count; task < end; task += count) {
      uint64_t token = task / embedding, row = task % embedding;
      count = std::min({end - task, embedding - row, kTileRows});
      float sums[kTileRows] = {};
      Columns columns = rowAsColumn(hidden, token);
      for (uint64_t slot = 0; slot < used; ++slot) {
        auto expert = static_cast<uint64_t>(rowOf<const int32_t>(ids, token)[slot]);
        float weight = rowOf<const float>(weights, token)[slot];
        columns.offset = slot * width;
        forEachSum(down.ofExpert(call.reads[3], expert), 0, row, row + count, columns, 1,
                   [&](uint64_t, uint64_t at, float product) { sums[at - row] += weight * product; });
      }
      columns.offset = used * width;
      if (hasShared)
        forEachSum(sharedDown, 0, row, row + count, columns, 1,
                   [&](uint64_t, uint64_t at, float product) { sums[at - row] += product; });
      for (uint64_t i = 0; i < count; ++i)
        rowOf<float>(result, token)[row + i] =
            present(residual) ? rowOf<const float>(residual, token)[row + i] + sums[i] : sums[i];
    }
  };
  context.pool.parallelFor(call.rows * embedding, rowsWorthWaking(down.length * used), tasks);
  return {};
}

} // namespace strata::host
