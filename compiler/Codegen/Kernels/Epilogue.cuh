// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What generated epilogues read and write matrices with.
// needs: Prelude.cuh

namespace strata {

template <unsigned COLUMNS>
__device__ __forceinline__ float loadAt(const float *matrix, unsigned row, unsigned column) {
  return matrix[static_cast<unsigned long long>(row) * COLUMNS + column];
}

template <unsigned COLUMNS>
__device__ __forceinline__ void storeAt(float value, float *matrix, unsigned row, unsigned column) {
  matrix[static_cast<unsigned long long>(row) * COLUMNS + column] = value;
}

} // namespace strata
