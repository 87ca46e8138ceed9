// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Schema/Envelope.h"

#include <gtest/gtest.h>

using namespace strata::schema;

static Envelope example() {
  Envelope envelope;
  envelope.schemaHash = 0x1122334455667788;
  envelope.payloadBytes = 4096;
  envelope.payloadHash = hashPayload(std::as_bytes(std::span("payload", 7)));
  return envelope;
}

TEST(Envelope, DecodesWhatItEncodes) {
  std::array<std::byte, kEnvelopeBytes> bytes = encodeEnvelope(example());
  std::optional<Envelope> decoded = decodeEnvelope(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->major, kSchemaMajor);
  EXPECT_EQ(decoded->minor, kSchemaMinor);
  EXPECT_EQ(decoded->schemaHash, 0x1122334455667788u);
  EXPECT_EQ(decoded->payloadBytes, 4096u);
  EXPECT_EQ(decoded->payloadHash, example().payloadHash);
}

TEST(Envelope, RefusesEveryChangedByteOfTheIdentifierAndThePadding) {
  const std::array<std::byte, kEnvelopeBytes> good = encodeEnvelope(example());
  for (size_t i = 0; i < kEnvelopeBytes; ++i) {
    if (i >= 8 && i < 48)
      continue;
    std::array<std::byte, kEnvelopeBytes> bytes = good;
    bytes[i] ^= std::byte{1};
    EXPECT_FALSE(decodeEnvelope(bytes).has_value()) << "byte " << i;
  }
}

TEST(Envelope, TheHashIsXxh3OfThePayload) {
  // XXH3-128 of nothing, as the xxHash specification has it.
  PayloadHash empty = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
  EXPECT_EQ(hashPayload({}), empty);
}
