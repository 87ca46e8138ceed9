// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/Stage.h"

#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Device/Host/Scratch.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace strata::bench {

using schema::ActivationEncoding;
using schema::Operation;

namespace {

constexpr uint64_t kReadBytes = uint64_t{1} << 30;

/// What every operation that is launched needs.
uint64_t scratchBytes() {
  uint64_t most = 0;
  for (Operation operation : {Operation::quantise, Operation::matmul, Operation::experts_gate_up,
                              Operation::experts_down, Operation::attention_splits, Operation::attention_combine}) {
    HostScratchShape shape;
    shape.operation = operation;
    shape.latent = kLatent;
    shape.rope = kRope;
    most = std::max(most, hostWorkerScratchBytes(shape).value());
  }
  return most;
}

/// Bytes from 0x30 to 0x37: as f16, bf16 or f32 they are small positive numbers, as digits they are digits.
void fillOrdinary(std::byte *to, uint64_t bytes) {
  std::mt19937_64 random(1);
  for (uint64_t at = 0; at + 8 <= bytes; at += 8) {
    uint64_t word = 0x3030303030303030 | (random() & 0x0707070707070707);
    std::memcpy(to + at, &word, 8);
  }
}

BoundOperand value(std::byte *data, uint64_t rows, uint64_t columns, schema::Element element, uint64_t rowBytes) {
  BoundOperand operand;
  operand.kind = schema::OperandKind::value;
  operand.data = data;
  operand.rows = rows;
  operand.columns = columns;
  operand.rowBytes = rowBytes;
  operand.element = element;
  return operand;
}

} // namespace

bool isBlockQuantised(Encoding encoding) {
  return encodingInfo(encoding).elements > 1;
}

Result<std::unique_ptr<Stage>> Stage::create(uint32_t threads, Isa isa) {
  std::unique_ptr<Stage> stage(new Stage());
  STRATA_ASSIGN(stage->host, HostDevice::create({threads, scratchBytes(), isa}));
  STRATA_ASSIGN(stage->threadPool, ThreadPool::create(threads));
  STRATA_ASSIGN(stage->weights, stage->host->allocate(kWeightBytes));
  fillOrdinary(stage->weights, kWeightBytes);
  stage->streamingRead = std::make_unique<probe::StreamingRead>(kReadBytes, threads);
  if (!stage->streamingRead->valid())
    return fail(ExitCode::Machine, "", "there is no memory for the buffer that the streaming read takes: free 1 GiB");
  return stage;
}

BoundOperand Stage::weight(Encoding encoding, uint64_t matrices, uint64_t rows, uint64_t columns,
                           uint64_t skipped) const {
  BoundOperand operand;
  operand.kind = schema::OperandKind::weight;
  operand.data = weights + skipped;
  operand.encoding = encoding;
  operand.dimensions = {matrices, rows, columns};
  return operand;
}

Result<BoundOperand> Stage::space(uint64_t rows, uint64_t columns, schema::Element element,
                                  ActivationEncoding activations) {
  uint64_t rowBytes = valueRowBytes(element, activations, columns).value();
  STRATA_ASSIGN(std::byte * data, host->allocate(rows * rowBytes));
  return value(data, rows, columns, element, rowBytes);
}

Result<BoundOperand> Stage::numbers(uint64_t rows, uint64_t columns) {
  STRATA_ASSIGN(BoundOperand result, space(rows, columns));
  std::vector<float> all(rows * columns);
  for (float &number : all)
    number = static_cast<float>(random()) * 0x1p-31F - 1;
  STRATA_TRY(host->copyToDevice(result.data, std::as_bytes(std::span(all))));
  return result;
}

Result<BoundOperand> Stage::integers(std::span<const int32_t> all) {
  STRATA_ASSIGN(BoundOperand result, space(1, all.size(), schema::Element::i32));
  STRATA_TRY(host->copyToDevice(result.data, std::as_bytes(all)));
  return result;
}

Result<BoundOperand> Stage::inputFor(Encoding encoding, const BoundOperand &numbers, ActivationEncoding activations) {
  if (!isBlockQuantised(encoding))
    return numbers;
  STRATA_ASSIGN(BoundOperand result, space(numbers.rows, numbers.columns, schema::Element::activation, activations));
  KernelCall call;
  call.operation = Operation::quantise;
  call.activations = activations;
  call.rows = numbers.rows;
  call.reads = std::span(&numbers, 1);
  call.writes = std::span(&result, 1);
  STRATA_TRY(host->launch(call));
  return result;
}

Result<BoundOperand> Stage::cache(uint32_t positions) {
  auto view = std::make_unique<KvView>();
  uint32_t blocks = (positions + view->blockPositions - 1) / view->blockPositions;
  view->blockBytes = view->blockPositions * (kLatent + kRope) * sizeof(uint16_t);
  view->blocksPerSequence = blocks;
  view->latent = kLatent;
  view->rope = kRope;
  STRATA_ASSIGN(view->layer, host->allocate(blocks * view->blockBytes));
  fillOrdinary(view->layer, blocks * view->blockBytes);
  std::vector<int32_t> table(blocks);
  std::iota(table.begin(), table.end(), 0);
  STRATA_ASSIGN(BoundOperand onDevice, integers(table));
  view->blockTable = reinterpret_cast<const int32_t *>(onDevice.data);
  BoundOperand operand;
  operand.kind = schema::OperandKind::kv;
  operand.kv = view.get();
  caches.push_back(std::move(view));
  return operand;
}

} // namespace strata::bench
