// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/runtime/Device/Scenarios.h"

#include <fmt/format.h>
#include <numeric>

namespace strata::test {
namespace {

constexpr uint64_t kTokens = kScenarioTokens;
constexpr uint64_t kHeads = 9, kLatent = 64, kRope = 16, kNope = 32;
constexpr uint64_t kContext = 300;

std::vector<int32_t> positions() {
  std::vector<int32_t> result(kTokens);
  for (uint64_t i = 0; i < kTokens; ++i)
    result[i] = static_cast<int32_t>(i * 15);
  return result;
}

std::vector<int32_t> sequences() {
  std::vector<int32_t> result(kTokens);
  for (uint64_t i = 0; i < kTokens; ++i)
    result[i] = static_cast<int32_t>(i % 2);
  return result;
}

PreparedCall start(Operation operation, Form form, ActivationEncoding activations) {
  return {operation, form, activations, kTokens, {}, {}, {}};
}

PreparedCall product(Workbench &bench, Operation operation, Form form, ActivationEncoding activations,
                     Encoding encoding) {
  constexpr uint64_t kRows = 40, kLength = 256;
  uint64_t heads = operation == Operation::head_matmul ? 3 : 1;
  PreparedCall call = start(operation, form, activations);
  Weight weight = bench.weight(encoding, heads, kRows, kLength);
  call.reads = {bench.inputFor(weight, bench.numbers(kTokens, heads * kLength), activations), bench.upload(weight)};
  if (operation == Operation::matmul)
    call.reads.push_back(bench.upload(bench.numbers(kTokens, kRows)));
  if (operation == Operation::gated_matmul)
    call.reads.push_back(bench.upload(bench.weight(encoding, 1, kRows, kLength)));
  call.writes = {bench.space(kTokens, heads * kRows)};
  call.parameters.heads = static_cast<uint32_t>(heads);
  return call;
}

PreparedCall attention(Workbench &bench, Operation operation, KvEncoding encoding) {
  PreparedCall call = start(operation, Form::few, ActivationEncoding::i16);
  call.cache = std::make_shared<TestCache>(bench.cache(2, kContext, kLatent, kRope, encoding, true));
  for (uint64_t sequence = 0; sequence < 2; ++sequence)
    bench.fill(*call.cache, sequence, bench.numbers(kContext, kLatent + kRope));
  call.reads = {bench.upload(bench.numbers(kTokens, kHeads * kLatent)),
                bench.upload(bench.numbers(kTokens, kHeads * kRope)), bench.operand(*call.cache),
                bench.upload(positions()), bench.upload(sequences())};
  call.parameters.heads = kHeads;
  call.parameters.scale = 0.2f;
  call.parameters.splitPositions = 128;
  uint64_t splits = operation == Operation::attention_splits ? 3 : 0;
  call.writes = {bench.space(kTokens, splits > 0 ? kHeads * splits * (kLatent + 2) : kHeads * kLatent)};
  return call;
}

PreparedCall combine(Workbench &bench) {
  PreparedCall call = start(Operation::attention_combine, Form::few, ActivationEncoding::i16);
  call.reads = {bench.upload(bench.numbers(kTokens, kHeads * 3 * (kLatent + 2))), bench.upload(positions())};
  call.writes = {bench.space(kTokens, kHeads * kLatent)};
  call.parameters.heads = kHeads;
  call.parameters.splitPositions = 128;
  return call;
}

PreparedCall append(Workbench &bench, KvEncoding encoding) {
  PreparedCall call = start(Operation::kv_append, Form::many, ActivationEncoding::i16);
  call.cache = std::make_shared<TestCache>(bench.cache(2, kContext, kLatent, kRope, encoding, true));
  call.frequencies = std::make_shared<std::vector<float>>(bench.frequencies(kRope / 2));
  call.parameters.frequencies = *call.frequencies;
  call.reads = {bench.upload(bench.numbers(kTokens, kLatent + kRope)),
                bench.upload(bench.weight(Encoding::F32, 1, 1, kLatent)), bench.upload(positions()),
                bench.upload(sequences())};
  call.writes = {bench.operand(*call.cache)};
  return call;
}

PreparedCall queryRope(Workbench &bench) {
  PreparedCall call = start(Operation::query_rope, Form::few, ActivationEncoding::i16);
  call.frequencies = std::make_shared<std::vector<float>>(bench.frequencies(kRope / 2));
  call.parameters.frequencies = *call.frequencies;
  call.parameters.heads = kHeads;
  call.parameters.nope = kNope;
  call.reads = {bench.upload(bench.numbers(kTokens, kHeads * (kNope + kRope))), bench.upload(positions())};
  call.writes = {bench.space(kTokens, kHeads * kNope), bench.space(kTokens, kHeads * kRope)};
  return call;
}

PreparedCall embed(Workbench &bench) {
  PreparedCall call = start(Operation::embed, Form::few, ActivationEncoding::i16);
  call.reads = {bench.upload(positions()), bench.upload(bench.weight(Encoding::Q4_0, 1, kContext, 96))};
  call.writes = {bench.space(kTokens, 96)};
  return call;
}

PreparedCall rowWise(Workbench &bench, Operation operation, ActivationEncoding activations) {
  constexpr uint64_t kWidth = 7168;
  PreparedCall call = start(operation, Form::few, activations);
  call.reads = {bench.upload(bench.numbers(kTokens, kWidth))};
  if (operation == Operation::add)
    call.reads.push_back(bench.upload(bench.numbers(kTokens, kWidth)));
  if (operation == Operation::rms_norm)
    call.reads.push_back(bench.upload(bench.weight(Encoding::F32, 1, 1, kWidth)));
  bool quantises = operation == Operation::quantise;
  call.writes = {
      bench.space(kTokens, kWidth, quantises ? schema::Element::activation : schema::Element::f32, activations)};
  return call;
}

PreparedCall route(Workbench &bench) {
  PreparedCall call = start(Operation::route, Form::few, ActivationEncoding::i16);
  call.reads = {bench.upload(bench.numbers(kTokens, 256, 4)), bench.upload(bench.weight(Encoding::F32, 1, 1, 256))};
  call.writes = {bench.upload(std::vector<int32_t>(kTokens * 8, -1), 8), bench.space(kTokens, 8)};
  call.parameters.groups = 8;
  call.parameters.groupsUsed = 4;
  call.parameters.expertsUsed = 8;
  call.parameters.normalise = true;
  return call;
}

PreparedCall experts(Workbench &bench, Operation operation, ActivationEncoding activations) {
  constexpr uint64_t kExperts = 6, kUsed = 2, kEmbedding = 256, kWidth = 64, kShared = 96, kChunk = 4;
  constexpr Encoding kEncoding = Encoding::Q4_0;
  PreparedCall call = start(operation, operation == Operation::experts ? Form::many : Form::few, activations);
  std::vector<int32_t> chosen;
  for (uint64_t token = 0; token < kTokens; ++token) {
    chosen.push_back(static_cast<int32_t>(token % 3));
    chosen.push_back(static_cast<int32_t>(3 + token % 2));
  }
  auto weight = [&](uint64_t matrices, uint64_t rows, uint64_t length) {
    return bench.upload(bench.weight(kEncoding, matrices, rows, length));
  };
  auto activation = [&](uint64_t columns) { return bench.activation(bench.numbers(kTokens, columns), activations); };
  BoundOperand ids = bench.upload(chosen, kUsed), weights = bench.upload(bench.numbers(kTokens, kUsed));
  BoundOperand residual = bench.upload(bench.numbers(kTokens, kEmbedding)), result = bench.space(kTokens, kEmbedding);
  BoundOperand gate = weight(kExperts, kWidth, kEmbedding), up = weight(kExperts, kWidth, kEmbedding);
  BoundOperand down = weight(kExperts, kEmbedding, kWidth);
  BoundOperand sharedGate = weight(1, kShared, kEmbedding), sharedUp = weight(1, kShared, kEmbedding);
  BoundOperand sharedDown = weight(1, kEmbedding, kShared);
  call.parameters.experts = kExperts;
  call.parameters.expertsUsed = kUsed;
  call.parameters.width = kWidth;
  call.parameters.sharedWidth = kShared;
  if (operation == Operation::experts_gate_up) {
    call.reads = {activation(kEmbedding), ids, gate, up, sharedGate, sharedUp};
    call.writes = {bench.space(kTokens, kUsed * kWidth + kShared)};
  } else if (operation == Operation::experts_down) {
    call.reads = {activation(kUsed * kWidth + kShared), ids, weights, down, sharedDown, residual};
    call.writes = {result};
  } else {
    call.reads = {activation(kEmbedding), ids, weights, gate, up, down, sharedGate, sharedUp, sharedDown, residual};
    call.writes = {result, bench.space(kTokens, kEmbedding), bench.upload(std::vector<int32_t>(kTokens, -1)),
                   bench.space(kChunk, kShared),
                   bench.space(kChunk, kShared, schema::Element::activation, activations)};
    call.reads.insert(call.reads.end(), call.writes.begin() + 1, call.writes.end());
  }
  return call;
}

/// Operands behind the result of `experts` are scratch.
uint64_t resultsIn(const PreparedCall &call) {
  return call.operation == Operation::experts ? 1 : call.writes.size();
}

} // namespace

std::vector<Scenario> scenarios() {
  std::vector<Scenario> result;
  auto insert = [&](std::string name, std::function<PreparedCall(Workbench &)> prepare) {
    result.push_back({std::move(name), std::move(prepare)});
  };
  for (Operation operation : {Operation::matmul, Operation::gated_matmul, Operation::head_matmul})
    for (Encoding encoding : kEncodings)
      for (ActivationEncoding activations : kActivations)
        for (Form form : kForms)
          insert(fmt::format("{} {} {} {}", schema::EnumNameOperation(operation), encodingInfo(encoding).name,
                             schema::EnumNameActivationEncoding(activations), schema::EnumNameForm(form)),
                 [=](Workbench &bench) { return product(bench, operation, form, activations, encoding); });
  for (KvEncoding encoding : {KvEncoding::f16, KvEncoding::f32}) {
    for (Operation operation : {Operation::attention, Operation::attention_splits})
      insert(fmt::format("{} {}", schema::EnumNameOperation(operation), schema::EnumNameKvEncoding(encoding)),
             [=](Workbench &bench) { return attention(bench, operation, encoding); });
    insert(fmt::format("kv_append {}", schema::EnumNameKvEncoding(encoding)),
           [=](Workbench &bench) { return append(bench, encoding); });
  }
  insert("attention_combine", combine);
  insert("query_rope", queryRope);
  insert("embed", embed);
  insert("route", route);
  for (ActivationEncoding activations : kActivations) {
    for (Operation operation : {Operation::experts_gate_up, Operation::experts_down, Operation::experts})
      insert(
          fmt::format("{} {}", schema::EnumNameOperation(operation), schema::EnumNameActivationEncoding(activations)),
          [=](Workbench &bench) { return experts(bench, operation, activations); });
    insert(fmt::format("quantise {}", schema::EnumNameActivationEncoding(activations)),
           [=](Workbench &bench) { return rowWise(bench, Operation::quantise, activations); });
  }
  for (Operation operation : {Operation::add, Operation::rms_norm})
    insert(schema::EnumNameOperation(operation),
           [=](Workbench &bench) { return rowWise(bench, operation, ActivationEncoding::f32); });
  return result;
}

std::vector<std::byte> resultsOf(Workbench &bench, const PreparedCall &call) {
  if (call.operation == Operation::kv_append)
    return bench.bytesOf(call.cache->memory, call.cache->bytes);
  std::vector<std::byte> result;
  for (uint64_t i = 0; i < resultsIn(call); ++i) {
    std::vector<std::byte> bytes = bench.bytesOf(call.writes[i]);
    result.insert(result.end(), bytes.begin(), bytes.end());
  }
  return result;
}

PreparedCall part(const PreparedCall &call, uint64_t first, uint64_t count) {
  PreparedCall result = call;
  result.rows = count;
  auto restrict = [&](BoundOperand &operand) {
    if (operand.kind != schema::OperandKind::value)
      return;
    operand.data += first * operand.rowBytes;
    operand.rows = count;
  };
  constexpr uint64_t kExpertsReadsBeforeScratch = 10;
  uint64_t reads = call.operation == Operation::experts ? kExpertsReadsBeforeScratch : call.reads.size();
  for (uint64_t i = 0; i < reads; ++i)
    restrict(result.reads[i]);
  for (uint64_t i = 0; i < resultsIn(call); ++i)
    restrict(result.writes[i]);
  return result;
}

} // namespace strata::test
