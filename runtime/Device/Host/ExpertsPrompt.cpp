// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// experts: the experts of a prompt, one after the other, each over all its tokens.
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Products.h"
#include "runtime/Device/Host/Quantise.h"
#include "runtime/Device/Host/WeightBlocks.h"

namespace strata::host {
namespace {

/// The operands of `experts`, in the order of docs/operations.md.
struct ExpertsCall {
  explicit ExpertsCall(const KernelCall &kernelCall)
      : call(kernelCall), input(call.reads[0]), ids(call.reads[1]), weights(call.reads[2]), residual(call.reads[9]),
        routedSum(call.reads[10]), rows(call.reads[11]), hidden(call.reads[12]), quantisedHidden(call.reads[13]),
        result(call.writes[0]) {}

  /// The row list: rows lie back to back, 4 bytes each.
  int32_t *rowList() const { return rowOf<int32_t>(rows, 0); }

  const KernelCall &call;
  const BoundOperand &input, &ids, &weights, &residual, &routedSum, &rows, &hidden, &quantisedHidden, &result;
};

/// The three products of a feed-forward network: an expert's, or the shared one.
struct Network {
  Product gate, up, down;
  uint64_t width = 0; ///< F or S.
};

/// The network of one routed expert.
Network networkOf(const ExpertsCall &operands, const Network &any, uint64_t expert) {
  const auto &reads = operands.call.reads;
  return {any.gate.ofExpert(reads[3], expert), any.up.ofExpert(reads[4], expert), any.down.ofExpert(reads[5], expert),
          any.width};
}

Result<Network> makeNetwork(const Context &context, const ExpertsCall &operands, uint64_t firstWeight, uint64_t width) {
  const KernelCall &call = operands.call;
  STRATA_ASSIGN(Product gate, makeProduct(context, call.reads[firstWeight], operands.input, call));
  STRATA_ASSIGN(Product up, makeProduct(context, call.reads[firstWeight + 1], operands.input, call));
  STRATA_ASSIGN(Product down, makeProduct(context, call.reads[firstWeight + 2], operands.quantisedHidden, call));
  return Network{gate, up, down, width};
}

/// The hidden rows of `count` columns, quantised for the down product.
void computeHidden(const Context &context, const ExpertsCall &operands, const Network &network, const Columns &columns,
                   uint64_t count) {
  uint64_t width = network.width;
  auto gateUp = [&](uint64_t begin, uint64_t end) {
    auto store = [&](uint64_t column, uint64_t row, float gateSum, float upSum) {
      rowOf<float>(operands.hidden, column)[row] = silu(gateSum) * upSum;
    };
    forEachPair(network.gate, network.up, 0, begin, end, columns, count, store);
  };
  forEachRange(context, network.gate, width, network.gate.length * count * 2, gateUp);

  schema::ActivationEncoding activations = storedAs(operands.quantisedHidden, operands.call);
  uint64_t blocks = width / kBlock;
  auto quantiseBlocks = [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t task = begin; task < end; ++task)
      quantiseBlock(activations, rowOf<const float>(operands.hidden, task / blocks), width, task % blocks,
                    rowOf<std::byte>(operands.quantisedHidden, task / blocks));
  };
  context.pool.parallelFor(count * blocks, grainFor(kBlock * 4), quantiseBlocks);
}

/// Calls add(column, row, sum) with every number of the down product of `count` hidden rows.
template <typename Add>
void multiplyDown(const Context &context, const ExpertsCall &operands, const Network &network, uint64_t count,
                  const Add &add) {
  uint64_t embedding = operands.result.columns;
  Columns columns = {operands.quantisedHidden.data, operands.quantisedHidden.rowBytes, network.width, 0, nullptr};
  auto rows = [&](uint64_t begin, uint64_t end) { forEachSum(network.down, 0, begin, end, columns, count, add); };
  forEachRange(context, network.down, embedding, network.down.length * count, rows);
}

/// Lists the tokens that use the expert.
uint64_t listTokens(const ExpertsCall &operands, uint64_t expert) {
  uint64_t count = 0;
  for (uint64_t token = 0; token < operands.call.rows; ++token) {
    const auto *chosen = rowOf<const int32_t>(operands.ids, token);
    for (uint64_t slot = 0; slot < operands.call.parameters.expertsUsed; ++slot)
      if (static_cast<uint64_t>(chosen[slot]) == expert)
        operands.rowList()[count++] = static_cast<int32_t>(token);
  }
  return count;
}

/// The weight that a token which uses the expert gives it.
float weightOf(const ExpertsCall &operands, uint64_t token, uint64_t expert) {
  const auto *chosen = rowOf<const int32_t>(operands.ids, token);
  uint64_t slot = 0;
  while (static_cast<uint64_t>(chosen[slot]) != expert)
    ++slot;
  return rowOf<const float>(operands.weights, token)[slot];
}

void addRoutedExpert(const Context &context, const ExpertsCall &operands, const Network &any, uint64_t expert) {
  uint64_t tokens = listTokens(operands, expert);
  if (tokens == 0)
    return;
  Network network = networkOf(operands, any, expert);
  for (uint64_t first = 0; first < tokens; first += operands.hidden.rows) {
    uint64_t count = std::min(operands.hidden.rows, tokens - first);
    const int32_t *rows = operands.rowList() + first;
    Columns columns = columnsOf(operands.input);
    columns.rows = rows;
    computeHidden(context, operands, network, columns, count);
    multiplyDown(context, operands, network, count, [&](uint64_t column, uint64_t row, float sum) {
      auto token = static_cast<uint64_t>(rows[column]);
      rowOf<float>(operands.routedSum, token)[row] += weightOf(operands, token, expert) * sum;
    });
  }
}

/// Calls body(token) for every token.
template <typename Body> void forEachToken(const Context &context, const ExpertsCall &operands, const Body &body) {
  auto tokens = [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t token = begin; token < end; ++token)
      body(token);
  };
  context.pool.parallelFor(operands.call.rows, grainFor(operands.result.columns), tokens);
}

/// The result without a shared expert: residual + routed.
void addResidual(const Context &context, const ExpertsCall &operands) {
  forEachToken(context, operands, [&](uint64_t token) {
    const auto *residual = rowOf<const float>(operands.residual, token);
    const auto *routed = rowOf<const float>(operands.routedSum, token);
    for (uint64_t i = 0; i < operands.result.columns; ++i)
      rowOf<float>(operands.result, token)[i] = residual[i] + routed[i];
  });
}

/// The result: residual + (routed + shared).
void addShared(const Context &context, const ExpertsCall &operands, const Network &shared) {
  uint64_t tokens = operands.call.rows;
  for (uint64_t first = 0; first < tokens; first += operands.hidden.rows) {
    uint64_t count = std::min(operands.hidden.rows, tokens - first);
    Columns columns = columnsOf(operands.input);
    columns.data += first * columns.rowBytes;
    computeHidden(context, operands, shared, columns, count);
    multiplyDown(context, operands, shared, count, [&](uint64_t column, uint64_t row, float sum) {
      uint64_t token = first + column;
      float added = rowOf<const float>(operands.routedSum, token)[row] + sum;
      rowOf<float>(operands.result, token)[row] = rowOf<const float>(operands.residual, token)[row] + added;
    });
  }
}

} // namespace

Result<void> experts(const Context &context, const KernelCall &call) {
  ExpertsCall operands(call);
  STRATA_ASSIGN(Network routed, makeNetwork(context, operands, 3, call.parameters.width));
  Network shared;
  bool hasShared = present(call.reads[6]);
  if (hasShared) {
    STRATA_ASSIGN(shared, makeNetwork(context, operands, 6, call.parameters.sharedWidth));
  }
  if (!call.part || call.part->first)
    forEachToken(context, operands, [&](uint64_t token) {
      std::fill_n(rowOf<float>(operands.routedSum, token), operands.result.columns, 0.0f);
    });
  for (uint64_t expert = 0; expert < call.parameters.experts; ++expert)
    if (isTaken(call, expert))
      addRoutedExpert(context, operands, routed, expert);
  if (call.part && !call.part->last)
    return {};
  if (hasShared)
    addShared(context, operands, shared);
  else
    addResidual(context, operands);
  return {};
}

} // namespace strata::host
