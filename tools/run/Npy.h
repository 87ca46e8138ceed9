// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Arrays in NumPy's file format, as far as golden outputs need it.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata::run {

/// A matrix of f32, row-major.
struct Matrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<float> numbers;

  std::span<const float> row(uint64_t index) const { return std::span(numbers).subspan(index * columns, columns); }
};

/// Reads an .npy file (NumPy enhancement proposal 1, versions 1 to 3) that holds a little-endian f32 matrix in C order.
/// Exit code 1: anything else, naming what was found.
Result<Matrix> readNpy(const std::string &path);

} // namespace strata::run
