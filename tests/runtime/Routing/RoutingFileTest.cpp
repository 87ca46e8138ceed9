// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Traces and usage files: what is written is read, and every kind of damage has its sentence.
#include "runtime/Routing/UsageCounts.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

RoutingTrace sampleTrace(uint32_t experts) {
  RoutingTrace trace;
  trace.shape = {{1, 2, 3}, 3, 2, experts, 2};
  auto last = static_cast<uint16_t>(experts - 1);
  trace.segments.push_back({RoutingPhase::Prompt, 0, 0, {0, 1, 2, last}});
  trace.segments.push_back({RoutingPhase::Generated, 1, 7, {0, last, 1, 2, 0, 1, 1, 3}});
  return trace;
}

/// The bytes with some of them changed and the hash made to fit again.
std::vector<std::byte> rehashed(std::vector<std::byte> bytes, size_t offset, uint8_t value) {
  bytes.resize(bytes.size() - kRoutingHashBytes);
  bytes[offset] = static_cast<std::byte>(value);
  appendHash(bytes);
  return bytes;
}

std::string sentence(const std::vector<std::byte> &bytes) {
  auto trace = decodeTrace(bytes, "x.trace");
  return trace ? "" : trace.error().message;
}

#define EXPECT_SAYS(TEXT, PART) EXPECT_NE((TEXT).find(PART), std::string::npos) << (TEXT)

} // namespace

TEST(RoutingTrace, IsReadAsItWasWritten) {
  for (uint32_t experts : {4u, 256u, 257u, 384u}) {
    RoutingTrace trace = sampleTrace(experts);
    RoutingTrace read = *decodeTrace(encodeTrace(trace), "x.trace");
    EXPECT_EQ(read.shape, trace.shape);
    ASSERT_EQ(read.segments.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(read.segments[i].phase, trace.segments[i].phase);
      EXPECT_EQ(read.segments[i].sequence, trace.segments[i].sequence);
      EXPECT_EQ(read.segments[i].firstPosition, trace.segments[i].firstPosition);
      EXPECT_EQ(read.segments[i].ids, trace.segments[i].ids);
    }
  }
}

TEST(RoutingTrace, ATokenOfTheRealModelTakes464Bytes) {
  RoutingTrace trace;
  trace.shape = {{}, 3, 58, 256, 8};
  trace.segments.push_back({RoutingPhase::Prompt, 0, 0, std::vector<uint16_t>(464)});
  size_t one = encodeTrace(trace).size();
  trace.segments[0].ids.resize(2 * 464);
  EXPECT_EQ(encodeTrace(trace).size() - one, 464u);
}

TEST(RoutingTrace, EveryDamageHasASentence) {
  std::vector<std::byte> good = encodeTrace(sampleTrace(4));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decodeTrace(std::span(good).first(size), "x.trace")) << "cut at " << size;
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::byte> changed = good;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(decodeTrace(changed, "x.trace")) << "byte " << i;
  }
  std::vector<std::byte> longer = good;
  longer.push_back(std::byte{0});
  EXPECT_SAYS(sentence(longer), "something was appended");
  EXPECT_SAYS(sentence(rehashed(good, 8, 2)), "version 2");
  EXPECT_SAYS(sentence(rehashed(good, 16, 0)), "there cannot be");
  EXPECT_SAYS(sentence(rehashed(good, 24, 5)), "there cannot be");
  EXPECT_SAYS(sentence(rehashed(good, 64, 2)), "phase 2");
  EXPECT_SAYS(sentence(rehashed(good, 76, 0)), "no tokens");
  EXPECT_SAYS(sentence(rehashed(good, 79, 255)), "bytes are left");
  EXPECT_SAYS(sentence(rehashed(good, 81, 9)), "names expert 9 of 4");
  EXPECT_SAYS(sentence(rehashed(good, 80, 1)), "ascending");
}

TEST(UsageCounts, CountGeneratedTokensOnly) {
  UsageCounts usage = countTrace(sampleTrace(4));
  EXPECT_EQ(usage.tokens, 2u);
  EXPECT_EQ(usage.counts, (std::vector<uint64_t>{2, 1, 0, 1, 0, 2, 1, 1}));
  UsageCounts twice = usage;
  twice.add(usage);
  EXPECT_EQ(twice.tokens, 4u);
  EXPECT_EQ(twice.counts, (std::vector<uint64_t>{4, 2, 0, 2, 0, 4, 2, 2}));
  twice.counts[0] = ~uint64_t{0} - 1;
  twice.add(usage);
  EXPECT_EQ(twice.counts[0], ~uint64_t{0}) << "no wrap";
}

TEST(UsageCounts, AreReadAsTheyWereWrittenAndNonsenseIsRefused) {
  UsageCounts usage = countTrace(sampleTrace(4));
  std::vector<std::byte> good = encodeUsage(usage);
  EXPECT_EQ(decodeUsage(good, "u")->counts, usage.counts);
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::byte> changed = good;
    changed[i] ^= std::byte{1};
    EXPECT_FALSE(decodeUsage(changed, "u")) << "byte " << i;
  }
  EXPECT_SAYS(decodeUsage(rehashed(good, 72, 3), "u").error().message, "used 3 times by 2 tokens");
  EXPECT_SAYS(decodeUsage(rehashed(good, 20, 5), "u").error().message, "bytes of counters");
  EXPECT_SAYS(decodeUsage(encodeTrace(sampleTrace(4)), "u").error().message, "is no usage file");
}

TEST(RoutingShape, OfAnotherModelIsRefused) {
  RoutingShape shape = sampleTrace(4).shape, other = shape;
  EXPECT_TRUE(checkSameModel(shape, other, "x"));
  other.fingerprint[31] = 1;
  EXPECT_SAYS(checkSameModel(shape, other, "x").error().message, "is of another model");
  other = shape;
  other.experts = 5;
  EXPECT_SAYS(checkSameModel(shape, other, "x").error().message, "2 of 4 experts");
}
