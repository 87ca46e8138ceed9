// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// experts_gate_up, experts_down and experts.
#include "tests/runtime/Device/DeviceTest.h"

#include <fmt/format.h>

namespace strata::test {
namespace {

struct ExpertsTest : DeviceTest {
  struct Shape {
    uint64_t tokens, experts, used, embedding, width, shared, chunk;
    const char *reason;
  };

  struct Encodings {
    Encoding gate, down;
  };

  struct DeviceNetwork {
    reference::Network numbers;
    BoundOperand gate, up, down;
  };

  DeviceNetwork network(Encodings encodings, uint64_t experts, uint64_t embedding, uint64_t width) {
    Weight gate = bench.weight(encodings.gate, experts, width, embedding);
    Weight up = bench.weight(encodings.gate, experts, width, embedding);
    Weight down = bench.weight(encodings.down, experts, embedding, width);
    return {{gate.numbers, up.numbers, down.numbers, width}, bench.upload(gate), bench.upload(up), bench.upload(down)};
  }

  /// Random experts in ascending order, or the last one for all.
  reference::Routing routing(const Shape &shape) {
    reference::Routing result{{}, bench.numbers(shape.tokens, shape.used)};
    for (uint64_t token = 0; token < shape.tokens; ++token)
      for (uint64_t slot = 0; slot < shape.used; ++slot) {
        uint64_t choices = shape.experts / shape.used;
        result.ids.push_back(
            static_cast<int32_t>(slot * choices + (shape.used == 1 ? choices - 1 : bench.below(choices))));
      }
    return result;
  }

  BoundOperand input(Encoding encoding, const Matrix &numbers, ActivationEncoding activations) {
    return isBlockQuantised(encoding) ? bench.activation(numbers, activations) : bench.upload(numbers);
  }

  BoundOperand hiddenSpace(Encoding encoding, uint64_t rows, uint64_t columns, ActivationEncoding activations) {
    schema::Element element = isBlockQuantised(encoding) ? schema::Element::activation : schema::Element::f32;
    return bench.space(rows, columns, element, activations);
  }

  void check(const Shape &shape, Encodings encodings, ActivationEncoding activations) {
    SCOPED_TRACE(fmt::format("{}, {}/{}, {}", shape.reason, encodingInfo(encodings.gate).name,
                             encodingInfo(encodings.down).name, schema::EnumNameActivationEncoding(activations)));
    DeviceNetwork routed = network(encodings, shape.experts, shape.embedding, shape.width), shared;
    bool hasShared = shape.shared > 0;
    if (hasShared)
      shared = network(encodings, 1, shape.embedding, shape.shared);
    const reference::Network *sharedNumbers = hasShared ? &shared.numbers : nullptr;
    reference::Routing chosen = routing(shape);
    BoundOperand ids = bench.upload(chosen.ids, shape.used), weights = bench.upload(chosen.weights);
    BoundOperand tokens = input(encodings.gate, bench.numbers(shape.tokens, shape.embedding), activations);
    Matrix residual = bench.numbers(shape.tokens, shape.embedding);
    uint64_t hiddenWidth = shape.used * shape.width + shape.shared;

    PreparedCall gateUp{Operation::experts_gate_up, Form::few, activations, shape.tokens, {}, {}, {}};
    gateUp.parameters.experts = static_cast<uint32_t>(shape.experts);
    gateUp.parameters.expertsUsed = static_cast<uint32_t>(shape.used);
    gateUp.parameters.width = static_cast<uint32_t>(shape.width);
    gateUp.parameters.sharedWidth = static_cast<uint32_t>(shape.shared);
    gateUp.reads = {tokens, ids, routed.gate, routed.up, shared.gate, shared.up};
    if (!hasShared)
      gateUp.reads[4] = gateUp.reads[5] = absent();
    gateUp.writes = {bench.space(shape.tokens, hiddenWidth)};
    bench.launch(gateUp);
    Matrix expectedHidden =
        reference::expertsGateUp(bench.downloadActivation(tokens, activations), chosen, routed.numbers, sharedNumbers);
    expectClose(bench.download(gateUp.writes[0]), expectedHidden, 1e-5);

    PreparedCall down = gateUp;
    down.operation = Operation::experts_down;
    BoundOperand hidden = input(encodings.down, bench.download(gateUp.writes[0]), activations);
    BoundOperand result = bench.upload(residual); // The result may replace the residual.
    down.reads = {hidden, ids, weights, routed.down, hasShared ? shared.down : absent(), result};
    down.writes = {result};
    bench.launch(down);
    Matrix expected = reference::expertsDown(bench.downloadActivation(hidden, activations), chosen, routed.numbers,
                                             sharedNumbers, residual);
    expectClose(bench.download(result), expected, 1e-5);

    PreparedCall prompt = gateUp;
    prompt.operation = Operation::experts;
    prompt.form = Form::many;
    result = bench.upload(residual);
    uint64_t widest = std::max(shape.width, shape.shared);
    std::vector<BoundOperand> scratch = {
        bench.space(shape.tokens, shape.embedding), bench.upload(std::vector<int32_t>(shape.tokens, -1)),
        bench.space(shape.chunk, widest), hiddenSpace(encodings.down, shape.chunk, widest, activations)};
    prompt.reads = {tokens,      ids,         weights,   routed.gate, routed.up,
                    routed.down, shared.gate, shared.up, shared.down, result};
    if (!hasShared)
      prompt.reads[6] = prompt.reads[7] = prompt.reads[8] = absent();
    prompt.reads.insert(prompt.reads.end(), scratch.begin(), scratch.end());
    prompt.writes = {result};
    prompt.writes.insert(prompt.writes.end(), scratch.begin(), scratch.end());
    bench.launch(prompt);
    // Another order of sums can move a hidden number over the edge between two digits.
    double tolerance = 2e-5;
    if (isBlockQuantised(encodings.down) && activations != ActivationEncoding::f32)
      tolerance = activations == ActivationEncoding::i8 ? 2e-3 : 5e-5;
    expectClose(bench.download(result), expected, tolerance);
  }
};
STRATA_ON_EVERY_DEVICE(ExpertsTest);

TEST_P(ExpertsTest, Shapes) {
  constexpr Shape kShapes[] = {
      {1, 1, 1, 32, 32, 0, 1, "one of everything, no shared expert"},
      {9, 5, 2, 96, 64, 32, 4, "experts without tokens, more tokens than a chunk, rows of 36 and 54 bytes"},
      {20, 4, 1, 64, 32, 64, 7, "all tokens to one expert; shared wider than routed; chunks of seven"},
      {3, 8, 8, 64, 96, 96, 16, "all experts for every token"},
      {40, 32, 4, 128, 64, 64, 40, "the tiny model's shape, one chunk"},
  };
  for (const Shape &shape : kShapes)
    for (ActivationEncoding activations : kActivations)
      check(shape, {Encoding::Q4_0, Encoding::Q4_0}, activations);
}

TEST_P(ExpertsTest, EveryEncoding) {
  // 256: a block of Q6_K.
  Shape shape{6, 4, 2, 256, 256, 256, 4, "every encoding"};
  for (Encoding encoding : kEncodings)
    for (ActivationEncoding activations : kActivations)
      check(shape, {encoding, encoding}, activations);
  for (ActivationEncoding activations : kActivations) {
    check(shape, {Encoding::Q4_0, Encoding::Q4_1}, activations); // As with an importance matrix.
    check(shape, {Encoding::F16, Encoding::Q8_0}, activations);
    check(shape, {Encoding::Q8_0, Encoding::BF16}, activations);
  }
}

} // namespace
} // namespace strata::test
