// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/ScaleScan.h"

#include "runtime/Weights/Dequantise.h"

#include <algorithm>
#include <array>

namespace strata {

namespace {

/// Where the f16 scales of a block stand (ggml-common.h's block types).
std::span<const uint32_t> scaleOffsets(Encoding encoding) {
  static constexpr std::array<uint32_t, 2> kFirst = {0, 2};
  static constexpr std::array<uint32_t, 1> kSixBits = {208};
  switch (encoding) {
  case Encoding::F16:
  case Encoding::Q4_0:
  case Encoding::Q8_0:
    return std::span(kFirst).first(1);
  case Encoding::Q4_1:
    return kFirst;
  case Encoding::Q6_K:
    return kSixBits;
  default:
    return {};
  }
}

bool allOnes(uint32_t bits, uint32_t exponent) {
  return (bits & exponent) == exponent;
}

} // namespace

ScaleScan::ScaleScan(Encoding of, Report to) : encoding(of), report(std::move(to)), blockBytes(encodingInfo(of).bytes) {
  carry.reserve(blockBytes);
}

void ScaleScan::block(const std::byte *bytes) {
  uint64_t at = blocks * blockBytes;
  if (encoding == Encoding::F32) {
    uint32_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    if (allOnes(bits, 0x7F80'0000u))
      report(blocks, at);
  } else if (encoding == Encoding::BF16) {
    if (allOnes(loadU16(bytes), 0x7F80u))
      report(blocks, at);
  } else {
    for (uint32_t offset : scaleOffsets(encoding))
      if (allOnes(loadU16(bytes + offset), 0x7C00u))
        report(blocks, at + offset);
  }
  ++blocks;
}

void ScaleScan::feed(std::span<const std::byte> bytes) {
  if (!carry.empty()) {
    size_t taken = std::min(blockBytes - carry.size(), bytes.size());
    carry.insert(carry.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
    bytes = bytes.subspan(taken);
    if (carry.size() < blockBytes)
      return;
    block(carry.data());
    carry.clear();
  }
  for (; bytes.size() >= blockBytes; bytes = bytes.subspan(blockBytes))
    block(bytes.data());
  carry.assign(bytes.begin(), bytes.end());
}

} // namespace strata
