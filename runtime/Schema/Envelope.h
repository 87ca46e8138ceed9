// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The 64 bytes that stand before the flatbuffer in an artifact file. The flatbuffer follows at once, and nothing
// follows it: a file has exactly kEnvelopeBytes + payloadBytes bytes. Numbers are little-endian.
//
//    0  8  kEnvelopeIdentifier
//    8  4  schema version, major
//   12  4  schema version, minor
//   16  8  kSchemaHash (SchemaHash.h)
//   24  8  bytes of the payload
//   32 16  XXH3-128 of the payload, in xxhash's canonical (big-endian) form
//   48 16  zero
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <xxhash.h>

namespace strata::schema {

static_assert(std::endian::native == std::endian::little, "artifacts are little-endian, and so are Strata's machines");

inline constexpr size_t kEnvelopeBytes = 64;
using Identifier = std::array<char, 8>;
inline constexpr Identifier kEnvelopeIdentifier = {'S', 'T', 'R', 'A', 'T', 'A', '\x1a', '\n'};
/// The same header before other flatbuffers (sums.fbs).
inline constexpr Identifier kSumsIdentifier = {'S', 'T', 'R', 'S', 'U', 'M', '\x1a', '\n'};
inline constexpr Identifier kProgressIdentifier = {'S', 'T', 'R', 'P', 'R', 'G', '\x1a', '\n'};
inline constexpr uint32_t kSumsMajor = 1;
/// The major version changes when an old runtime cannot read a new artifact, the minor one when it can.
inline constexpr uint32_t kSchemaMajor = 1;
inline constexpr uint32_t kSchemaMinor = 0;
/// The payload is a flatbuffer; flatbuffers have 32-bit offsets and at most 2 GiB.
inline constexpr uint64_t kMaximumPayloadBytes = (uint64_t(1) << 30) - kEnvelopeBytes;

using PayloadHash = std::array<uint8_t, 16>;

struct Envelope {
  uint32_t major = kSchemaMajor;
  uint32_t minor = kSchemaMinor;
  uint64_t schemaHash = 0;
  uint64_t payloadBytes = 0;
  PayloadHash payloadHash = {};
};

inline PayloadHash hashPayload(std::span<const std::byte> payload) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(payload.data(), payload.size()));
  PayloadHash hash;
  static_assert(sizeof(canonical.digest) == sizeof(hash));
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

inline std::array<std::byte, kEnvelopeBytes> encodeEnvelope(const Envelope &envelope,
                                                            const Identifier &identifier = kEnvelopeIdentifier) {
  std::array<std::byte, kEnvelopeBytes> bytes = {};
  std::memcpy(bytes.data(), identifier.data(), identifier.size());
  std::memcpy(&bytes[8], &envelope.major, 4);
  std::memcpy(&bytes[12], &envelope.minor, 4);
  std::memcpy(&bytes[16], &envelope.schemaHash, 8);
  std::memcpy(&bytes[24], &envelope.payloadBytes, 8);
  std::memcpy(&bytes[32], envelope.payloadHash.data(), envelope.payloadHash.size());
  return bytes;
}

/// Nothing if the identifier or the zero padding is not what it must be. Everything else is for the caller to check.
inline std::optional<Envelope> decodeEnvelope(std::span<const std::byte, kEnvelopeBytes> bytes,
                                              const Identifier &identifier = kEnvelopeIdentifier) {
  if (std::memcmp(bytes.data(), identifier.data(), identifier.size()) != 0)
    return std::nullopt;
  for (size_t i = 48; i < kEnvelopeBytes; ++i)
    if (bytes[i] != std::byte{0})
      return std::nullopt;
  Envelope envelope;
  std::memcpy(&envelope.major, &bytes[8], 4);
  std::memcpy(&envelope.minor, &bytes[12], 4);
  std::memcpy(&envelope.schemaHash, &bytes[16], 8);
  std::memcpy(&envelope.payloadBytes, &bytes[24], 8);
  std::memcpy(envelope.payloadHash.data(), &bytes[32], envelope.payloadHash.size());
  return envelope;
}

} // namespace strata::schema
