// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Looks for numbers in encoded weights that make everything after them infinite or not a number.
#pragma once

#include "runtime/Weights/Encoding.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace strata {

/// Reads one tensor's bytes in parts of any size and reports each scale or minimum of a block (of F32, F16 and BF16:
/// each number) that is not finite.
class ScaleScan {
public:
  /// The block, counted from the tensor's start, and where the number stands from the tensor's start.
  using Report = std::function<void(uint64_t block, uint64_t offset)>;

  ScaleScan(Encoding encoding, Report report);
  void feed(std::span<const std::byte> bytes);

private:
  void block(const std::byte *bytes);

  Encoding encoding;
  Report report;
  size_t blockBytes;
  uint64_t blocks = 0;          ///< Done.
  std::vector<std::byte> carry; ///< The beginning of a block whose end has not come yet.
};

} // namespace strata
