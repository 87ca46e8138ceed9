// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every encoding's scales, whatever the parts in which the bytes arrive.

#include "runtime/Weights/ScaleScan.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

namespace strata {
namespace {

using Findings = std::vector<std::pair<uint64_t, uint64_t>>;

Findings scan(Encoding encoding, const std::vector<std::byte> &bytes, size_t part) {
  Findings findings;
  ScaleScan scan(encoding, [&](uint64_t block, uint64_t offset) { findings.emplace_back(block, offset); });
  for (size_t at = 0; at < bytes.size(); at += part)
    scan.feed(std::span(bytes).subspan(at, std::min(part, bytes.size() - at)));
  return findings;
}

/// G49: an infinity at `offset` of block 5 is found, and only as a scale.
void expectFound(Encoding encoding, std::vector<uint64_t> scales, std::vector<uint8_t> infinity) {
  uint64_t blockBytes = encodingInfo(encoding).bytes;
  for (uint64_t offset = 0; offset + infinity.size() <= blockBytes; offset += 2) {
    std::vector<std::byte> bytes(9 * blockBytes, std::byte{0});
    for (size_t i = 0; i < infinity.size(); ++i)
      bytes[5 * blockBytes + offset + i] = std::byte{infinity[i]};
    bool isScale = std::find(scales.begin(), scales.end(), offset) != scales.end();
    Findings expected = isScale ? Findings{{5, 5 * blockBytes + offset}} : Findings{};
    for (size_t part : {size_t(1), size_t(7), size_t(blockBytes), size_t(1000)})
      EXPECT_EQ(scan(encoding, bytes, part), expected) << encodingInfo(encoding).name << " " << offset << " " << part;
  }
}

TEST(ScaleScan, G49_EveryEncoding) {
  expectFound(Encoding::Q4_0, {0}, {0x00, 0x7C});
  expectFound(Encoding::Q4_1, {0, 2}, {0x01, 0xFC});
  expectFound(Encoding::Q8_0, {0}, {0x00, 0xFC});
  expectFound(Encoding::Q6_K, {208}, {0x00, 0x7C});
  expectFound(Encoding::F16, {0}, {0x00, 0x7E});
  expectFound(Encoding::BF16, {0}, {0x80, 0x7F});
  expectFound(Encoding::F32, {0}, {0x00, 0x00, 0x80, 0xFF});
}

} // namespace
} // namespace strata
