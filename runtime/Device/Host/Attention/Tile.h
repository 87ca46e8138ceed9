// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The arithmetic of attention, once for every level of instruction set: query rows against a block of cached rows, as
// the matrix product it is (all heads of a token share the cached rows).
#pragma once

#include "runtime/Device/Host/Scratch.h"

#include <cstdint>

namespace strata::host {

/// A block of cached rows as f32, in both of the orders that products read it in.
struct CachedTile {
  float *numbers;    ///< [position][stride], the row as it is cached, zeros behind it.
  float *transposed; ///< [number][kAttentionBlockPositions], zeros for positions past `count`.
  uint64_t stride;   ///< width rounded up to kTileColumns.
  uint64_t width;    ///< latent + rope
  uint64_t latent;
  uint64_t count; ///< Positions, at most kAttentionBlockPositions.
};

/// Query rows (heads of one token) and what they have seen so far. The softmax-weighted sums are not normalised.
struct QueryRows {
  uint64_t count = 0;
  float scale = 0;
  const float *absorbed[kAttentionQueryRows]; ///< latent numbers
  const float *rotated[kAttentionQueryRows];  ///< rope numbers
  float *sums[kAttentionQueryRows];           ///< latent numbers
  float largest[kAttentionQueryRows];         ///< Score.
  float total[kAttentionQueryRows];           ///< Of the exponentials.
};

/// Latent numbers that a product makes at a time.
inline constexpr uint64_t kTileColumns = 64;

/// One level's functions.
struct AttentionKernels {
  /// Fills a tile from `count` rows of f16 or f32 numbers.
  void (*read)(const void *const *rows, bool halves, const CachedTile &tile);
  /// Lets the rows see the tile. `scores` has room for count rows of kAttentionBlockPositions.
  void (*attend)(const CachedTile &tile, float *scores, QueryRows &rows);
};

extern const AttentionKernels kPortableAttention;
extern const AttentionKernels kAvx2Attention;
extern const AttentionKernels kAvx512Attention;

} // namespace strata::host
