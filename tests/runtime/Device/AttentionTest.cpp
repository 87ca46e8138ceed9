// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// query_rope, kv_append and the three attention operations.
#include "tests/runtime/Device/DeviceTest.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace strata::test {
namespace {

struct AttentionTest : DeviceTest {
  /// Random queries and cache; token t is at positions[t] of sequence sequences[t].
  struct Case {
    uint64_t heads, latent, rope, context;
    std::vector<int32_t> positions, sequences;
    KvEncoding encoding;
    double magnitude = 1;
  };

  struct Operands {
    TestCache cache;
    reference::Cache cached;
    Matrix queries, rotated;
  };

  Operands operands(const Case &shape, bool shuffled) {
    uint64_t sequences = static_cast<uint64_t>(std::ranges::max(shape.sequences)) + 1;
    Operands result{
        bench.cache(sequences, shape.context, shape.latent, shape.rope, shape.encoding, shuffled), {}, {}, {}};
    for (uint64_t sequence = 0; sequence < sequences; ++sequence) {
      // Only what the sequence's tokens see is written: all else is NaN.
      uint64_t rows = 0;
      for (uint64_t token = 0; token < shape.positions.size(); ++token)
        if (static_cast<uint64_t>(shape.sequences[token]) == sequence)
          rows = std::max(rows, static_cast<uint64_t>(shape.positions[token]) + 1);
      result.cached.push_back(bench.fill(result.cache, sequence, bench.numbers(rows, shape.latent + shape.rope)));
    }
    uint64_t tokens = shape.positions.size();
    result.queries = bench.numbers(tokens, shape.heads * shape.latent, shape.magnitude);
    result.rotated = bench.numbers(tokens, shape.heads * shape.rope, shape.magnitude);
    return result;
  }

  PreparedCall prepare(const Case &shape, const Operands &from, Operation operation) {
    PreparedCall call{operation, Form::few, ActivationEncoding::i16, shape.positions.size(), {}, {}, {}};
    call.reads = {bench.upload(from.queries), bench.upload(from.rotated), bench.operand(from.cache),
                  bench.upload(shape.positions), bench.upload(shape.sequences)};
    call.parameters.heads = static_cast<uint32_t>(shape.heads);
    call.parameters.scale = kScale;
    return call;
  }

  Matrix attend(const Case &shape, const Operands &from) {
    PreparedCall call = prepare(shape, from, Operation::attention);
    call.writes = {bench.space(call.rows, shape.heads * shape.latent)};
    bench.launch(call);
    return bench.download(call.writes[0]);
  }

  Matrix attendInSplits(const Case &shape, const Operands &from, uint32_t splitPositions) {
    PreparedCall call = prepare(shape, from, Operation::attention_splits);
    uint64_t splits = (shape.context + splitPositions - 1) / splitPositions;
    BoundOperand parts = bench.space(call.rows, shape.heads * splits * (shape.latent + 2));
    BoundOperand result = bench.space(call.rows, shape.heads * shape.latent);
    call.parameters.splitPositions = splitPositions;
    call.writes = {parts};
    bench.launch(call);
    call.operation = Operation::attention_combine;
    call.reads = {parts, call.reads[3]};
    call.writes = {result};
    bench.launch(call);
    return bench.download(result);
  }

  Matrix expected(const Case &shape, const Operands &from) {
    return reference::attention(from.queries, from.rotated, from.cached, shape.positions, shape.sequences,
                                {shape.heads, shape.latent, kScale});
  }

  static constexpr float kScale = 0.1352337789f;
};
STRATA_ON_EVERY_DEVICE(AttentionTest);

/// Contexts at the edges of a vector, a block of positions and a split.
const uint64_t kContexts[] = {1, 31, 32, 33, 63, 64, 65, 129, 1000};

TEST_P(AttentionTest, Attention) {
  for (KvEncoding encoding : {KvEncoding::f16, KvEncoding::f32})
    for (uint64_t context : kContexts)
      // One head; not a multiple of lanes; heads over a few, and over a CTA's; V3.1's latent and rope; heads over a
      // task's.
      for (auto [heads, latent, rope] :
           {std::array<uint64_t, 3>{1, 32, 2}, {3, 36, 6}, {9, 64, 16}, {17, 32, 8}, {2, 512, 64}, {131, 16, 4}}) {
        SCOPED_TRACE(fmt::format("{} heads, {} + {}, context {}, {}", heads, latent, rope, context,
                                 schema::EnumNameKvEncoding(encoding)));
        auto last = static_cast<int32_t>(context - 1);
        Case shape{heads, latent, rope, context, {last, last / 2, 0}, {0, 1, 0}, encoding};
        Operands from = operands(shape, true);
        expectClose(attend(shape, from), expected(shape, from), allowed(3e-6));
        for (uint32_t splitPositions : {64u, 256u})
          expectClose(attendInSplits(shape, from, splitPositions), expected(shape, from), allowed(3e-6));
      }
}

TEST_P(AttentionTest, LargeScoresDoNotOverflow) {
  // Scores in the thousands: their exponentials are far outside f32, and some queries outside f16.
  for (KvEncoding encoding : {KvEncoding::f16, KvEncoding::f32})
    for (double magnitude : {1e4, 1e6}) {
      SCOPED_TRACE(fmt::format("{}, {}", schema::EnumNameKvEncoding(encoding), magnitude));
      Case shape{4, 64, 16, 200, {199, 150, 3}, {0, 0, 0}, encoding, magnitude};
      Operands from = operands(shape, false);
      expectClose(attend(shape, from), expected(shape, from), 2e-3);
      expectClose(attendInSplits(shape, from, 64), expected(shape, from), 2e-3);
    }
}

TEST_P(AttentionTest, BitsDoNotDependOnWhichBlocksASequenceOwns) {
  for (KvEncoding encoding : {KvEncoding::f16, KvEncoding::f32}) {
    Case shape{9, 64, 16, 500, {499, 70, 130}, {0, 1, 2}, encoding};
    Operands from = operands(shape, false);
    // The same rows again, in blocks of another order.
    TestCache other = bench.cache(3, shape.context, shape.latent, shape.rope, encoding, true);
    for (uint64_t sequence = 0; sequence < 3; ++sequence)
      bench.fill(other, sequence, from.cached[sequence]);
    Operands moved{other, from.cached, from.queries, from.rotated};
    EXPECT_EQ(attend(shape, from).numbers, attend(shape, moved).numbers);
    EXPECT_EQ(attendInSplits(shape, from, 128).numbers, attendInSplits(shape, moved, 128).numbers);
  }
}

TEST_P(AttentionTest, ANanInOneSequenceStaysThere) {
  Case shape{2, 32, 4, 100, {99, 99}, {0, 1}, KvEncoding::f16};
  Operands from = operands(shape, false);
  Matrix poisoned = from.cached[0];
  poisoned.at(70, 3) = std::numeric_limits<double>::quiet_NaN();
  bench.fill(from.cache, 0, poisoned);
  for (const Matrix &result : {attend(shape, from), attendInSplits(shape, from, 64)})
    for (uint64_t i = 0; i < result.columns; ++i) {
      EXPECT_TRUE(std::isnan(result.at(0, i)));
      EXPECT_FALSE(std::isnan(result.at(1, i)));
    }
}

/// Absorption: k_b applied to the query and v_b to the attended latent, or keys and values made of every row.
TEST_P(AttentionTest, AbsorbedIsExpanded) {
  constexpr uint64_t kHeads = 3, kNope = 32, kValue = 32, kLatent = 64, kRope = 8;
  Case shape{kHeads, kLatent, kRope, 90, {89, 64, 0}, {0, 0, 1}, KvEncoding::f32};
  Operands from = operands(shape, true);
  Weight keyWeight = bench.weight(Encoding::F32, kHeads, kLatent, kNope);
  Weight valueWeight = bench.weight(Encoding::F32, kHeads, kValue, kLatent);
  Matrix nope = bench.numbers(3, kHeads * kNope);

  auto headMatmul = [&](const Matrix &input, const Weight &weight) {
    BoundOperand result = bench.space(3, kHeads * weight.dimensions[1]);
    PreparedCall call{Operation::head_matmul, Form::many, ActivationEncoding::f32, 3, {}, {result}, {}};
    call.reads = {bench.upload(input), bench.upload(weight)};
    call.parameters.heads = kHeads;
    bench.launch(call);
    return bench.download(result);
  };
  from.queries = headMatmul(nope, keyWeight);
  Matrix absorbed = headMatmul(attend(shape, from), valueWeight);
  expectClose(absorbed,
              reference::expandedAttention(nope, from.rotated, from.cached, keyWeight.numbers, valueWeight.numbers,
                                           shape.positions, shape.sequences, {kHeads, kLatent, kScale}),
              3e-6);
}

TEST_P(AttentionTest, QueryRope) {
  for (auto [heads, nope, pairs] : {std::array<uint64_t, 3>{1, 1, 1}, {3, 16, 4}, {16, 128, 32}})
    for (float magnitude : {1.0f, 1.2608f}) {
      std::vector<int32_t> positions = {0, 1, 4095, 4096, 163839};
      Matrix input = bench.numbers(positions.size(), heads * (nope + 2 * pairs));
      std::vector<float> frequencies = bench.frequencies(pairs);
      PreparedCall call{Operation::query_rope, Form::few, ActivationEncoding::i16, positions.size(), {}, {}, {}};
      call.reads = {bench.upload(input), bench.upload(positions)};
      call.writes = {bench.space(call.rows, heads * nope), bench.space(call.rows, heads * 2 * pairs)};
      call.parameters.heads = static_cast<uint32_t>(heads);
      call.parameters.nope = static_cast<uint32_t>(nope);
      call.parameters.frequencies = frequencies;
      call.parameters.magnitude = magnitude;
      bench.launch(call);
      auto expected = reference::queryRope(input, positions, heads, nope, {frequencies, magnitude});
      EXPECT_EQ(bench.download(call.writes[0]).numbers, expected.nope.numbers);
      expectClose(bench.download(call.writes[1]), expected.rope, 5e-7);
    }
}

TEST_P(AttentionTest, KvAppendThenAttention) {
  for (KvEncoding encoding : {KvEncoding::f16, KvEncoding::f32}) {
    constexpr uint64_t kLatent = 64, kRope = 16, kTokens = 150;
    TestCache cache = bench.cache(2, 200, kLatent, kRope, encoding, true);
    // Sequence 1's first token, then a chunk of sequence 0.
    std::vector<int32_t> positions(kTokens), sequences(kTokens, 0);
    std::iota(positions.begin(), positions.end(), -1);
    positions[0] = 0;
    sequences[0] = 1;
    Matrix input = bench.numbers(kTokens, kLatent + kRope, 5);
    Weight weight = bench.weight(Encoding::F32, 1, 1, kLatent);
    std::vector<float> frequencies = bench.frequencies(kRope / 2);
    PreparedCall append{Operation::kv_append, Form::many, ActivationEncoding::i16, kTokens, {}, {}, {}};
    append.reads = {bench.upload(input), bench.upload(weight), bench.upload(positions), bench.upload(sequences)};
    append.writes = {bench.operand(cache)};
    append.parameters.frequencies = frequencies;
    append.parameters.epsilon = 1e-6f;
    append.parameters.magnitude = 1.5f;
    bench.launch(append);

    Matrix rows = reference::kvRows(input, weight.numbers.numbers, 1e-6, positions, {frequencies, 1.5});
    Case shape{2, kLatent, kRope, 200, positions, sequences, encoding};
    Operands from{cache, {Matrix(kTokens - 1, kLatent + kRope), Matrix(1, kLatent + kRope)}, {}, {}};
    std::ranges::copy(rows.row(0), from.cached[1].numbers.begin());
    std::copy(rows.numbers.begin() + kLatent + kRope, rows.numbers.end(), from.cached[0].numbers.begin());
    from.queries = bench.numbers(kTokens, 2 * kLatent);
    from.rotated = bench.numbers(kTokens, 2 * kRope);
    // f16 keeps 11 bits of every cached number.
    expectClose(attend(shape, from), expected(shape, from), encoding == KvEncoding::f16 ? 3e-3 : 3e-6);
  }
}

} // namespace
} // namespace strata::test
