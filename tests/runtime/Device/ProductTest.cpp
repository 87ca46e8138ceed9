// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// matmul, gated_matmul, head_matmul: every encoding, setting and form against the reference.
#include "tests/runtime/Device/DeviceTest.h"

#include <fmt/format.h>

namespace strata::test {
namespace {

struct ProductTest : DeviceTest {
  /// How far off sums may be, in parts of the sum of magnitudes: f32 sums of exact block terms, or sums of numbers,
  /// which the host takes in f64.
  double toleranceFor(Encoding encoding, ActivationEncoding activations) const {
    bool digits = isBlockQuantised(encoding) && activations != ActivationEncoding::f32;
    return digits ? 2e-6 : allowed(1.2e-7);
  }
};
STRATA_ON_EVERY_DEVICE(ProductTest);

struct Shape {
  uint64_t rows, length, tokens;
  const char *reason;
};

constexpr Shape kShapes[] = {
    {1, 32, 1, "one element out of one block"},
    {3, 64, 2, "rows of 36 bytes: every other one is at 4 mod 8"},
    {5, 96, 3, "rows of 54 bytes: addresses at 2 mod 4; fewer blocks than lanes"},
    {8, 256, 8, "as many columns as a pass of form few takes, as many blocks as lanes"},
    {17, 288, 9, "one column over a pass of form few, one block over the lanes"},
    {33, 512, 17, "one column over a pass of form many"},
    {65, 1024, 5, "more rows than a thread takes at a time"},
};

// F32, F16 and BF16 rows may have any length.
constexpr Shape kNumberShapes[] = {
    {1, 1, 1, "one number"},
    {2, 7, 3, "fewer numbers than lanes"},
    {9, 33, 9, "one number over a block"},
    {4, 1000, 2, "a tail behind many blocks"},
};

template <typename Body> void forEachCase(const Body &body) {
  for (Encoding encoding : kEncodings)
    for (ActivationEncoding activations : kActivations)
      for (Form form : kForms) {
        auto trace = [&](const Shape &shape) {
          return fmt::format("{} {} {} [{}x{}] x {}: {}", encodingInfo(encoding).name,
                             schema::EnumNameActivationEncoding(activations), schema::EnumNameForm(form), shape.rows,
                             shape.length, shape.tokens, shape.reason);
        };
        for (Shape shape : kShapes) {
          if (encoding == Encoding::Q6_K)
            shape.length = (shape.length + 255) / 256 * 256;
          SCOPED_TRACE(trace(shape));
          body(encoding, activations, form, shape);
        }
        for (const Shape &shape : kNumberShapes)
          if (!isBlockQuantised(encoding)) {
            SCOPED_TRACE(trace(shape));
            body(encoding, activations, form, shape);
          }
      }
}

TEST_P(ProductTest, Matmul) {
  forEachCase([&](Encoding encoding, ActivationEncoding activations, Form form, const Shape &shape) {
    Weight weight = bench.weight(encoding, 1, shape.rows, shape.length);
    BoundOperand input = bench.inputFor(weight, bench.numbers(shape.tokens, shape.length, 3), activations);
    Matrix numbers = bench.downloadActivation(input, activations);
    BoundOperand result = bench.space(shape.tokens, shape.rows);
    // Two bytes behind an aligned address, where files can put block-quantised rows.
    uint64_t offset = isBlockQuantised(encoding) ? 2 : 0;
    bench.launch({Operation::matmul,
                  form,
                  activations,
                  shape.tokens,
                  {input, bench.upload(weight, offset), absent()},
                  {result},
                  {}});
    expectWithin(bench.download(result), reference::matmul(numbers, weight.numbers),
                 reference::matmul(absolute(numbers), absolute(weight.numbers)), toleranceFor(encoding, activations));
  });
}

TEST_P(ProductTest, MatmulAddsItsResidualInPlace) {
  for (Form form : kForms) {
    Weight weight = bench.weight(Encoding::Q4_0, 1, 64, 96);
    BoundOperand input = bench.activation(bench.numbers(11, 96), ActivationEncoding::i16);
    Matrix residualNumbers = bench.numbers(11, 64, 100);
    BoundOperand plain = bench.space(11, 64), residual = bench.upload(residualNumbers);
    PreparedCall call{Operation::matmul, form, ActivationEncoding::i16, 11, {}, {}, {}};
    call.reads = {input, bench.upload(weight), absent()};
    call.writes = {plain};
    bench.launch(call);
    call.reads[2] = residual;
    call.writes = {residual};
    bench.launch(call);
    Matrix sums = bench.download(plain), results = bench.download(residual);
    for (uint64_t i = 0; i < sums.numbers.size(); ++i)
      EXPECT_EQ(static_cast<float>(results.numbers[i]),
                static_cast<float>(sums.numbers[i]) + static_cast<float>(residualNumbers.numbers[i]));
  }
}

TEST_P(ProductTest, GatedMatmul) {
  forEachCase([&](Encoding encoding, ActivationEncoding activations, Form form, const Shape &shape) {
    Weight gate = bench.weight(encoding, 1, shape.rows, shape.length);
    Weight up = bench.weight(encoding, 1, shape.rows, shape.length);
    BoundOperand input = bench.inputFor(gate, bench.numbers(shape.tokens, shape.length), activations);
    Matrix numbers = bench.downloadActivation(input, activations);
    BoundOperand result = bench.space(shape.tokens, shape.rows);
    bench.launch({Operation::gated_matmul,
                  form,
                  activations,
                  shape.tokens,
                  {input, bench.upload(gate), bench.upload(up)},
                  {result},
                  {}});
    // silu's slope is at most 1.1: errors of both factors add up, each against the other's magnitude.
    Matrix gates = reference::matmul(absolute(numbers), absolute(gate.numbers));
    Matrix magnitude = reference::matmul(absolute(numbers), absolute(up.numbers));
    for (uint64_t i = 0; i < magnitude.numbers.size(); ++i)
      magnitude.numbers[i] *= gates.numbers[i];
    expectWithin(bench.download(result), reference::gatedMatmul(numbers, gate.numbers, up.numbers), magnitude,
                 3 * toleranceFor(encoding, activations));
  });
}

TEST_P(ProductTest, HeadMatmul) {
  forEachCase([&](Encoding encoding, ActivationEncoding activations, Form form, const Shape &shape) {
    constexpr uint64_t kHeads = 3;
    if (shape.length % 32 != 0)
      return; // A head's part of the row begins at a block.
    Weight weight = bench.weight(encoding, kHeads, shape.rows, shape.length);
    BoundOperand input = bench.inputFor(weight, bench.numbers(shape.tokens, kHeads * shape.length), activations);
    Matrix numbers = bench.downloadActivation(input, activations);
    BoundOperand result = bench.space(shape.tokens, kHeads * shape.rows);
    PreparedCall call{Operation::head_matmul, form, activations, shape.tokens, {}, {result}, {}};
    call.reads = {input, bench.upload(weight, isBlockQuantised(encoding) ? 2 : 0)};
    call.parameters.heads = kHeads;
    bench.launch(call);
    expectWithin(bench.download(result), reference::headMatmul(numbers, weight.numbers, kHeads),
                 reference::headMatmul(absolute(numbers), absolute(weight.numbers), kHeads),
                 toleranceFor(encoding, activations));
  });
}

} // namespace
} // namespace strata::test
