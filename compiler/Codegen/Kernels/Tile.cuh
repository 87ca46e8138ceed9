// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A tile of 64 activation rows by 64 weight rows on the tensor cores: the core of every many-column product of digits.
// The tensor cores are fed integers, which f16 holds exactly: digits of -128 to 127 on both sides. A block's sums are
// below 2^24 and exact in f32, whatever the order inside an mma; then one f32 multiplication and addition per block
// brings in the scales. Blocks are taken in ascending order, so that a number's bits depend on its own row alone.
//
// needs: RowDots.cuh

namespace strata {

constexpr unsigned kTileColumns = 64; ///< Activation rows.
constexpr unsigned kTileRows = 64;    ///< Weight rows; half of them of the gate and half of up in a gated product.
constexpr unsigned kStepBlocks = 2;   ///< Blocks of 32 between two barriers.

/// One stage of shared memory. Rows of 64 f16 in units of 16 bytes, unit u of row r at u ^ (r % 8): eight lanes that
/// read the same unit of eight rows touch all banks once.
struct TileStage {
  uint4 columns[kTileColumns][8];
  uint4 rows[kTileRows][8];
  float columnScales[kStepBlocks][kTileColumns];
  float columnSums[kStepBlocks][kTileColumns]; ///< scale · sum of digits, for weights with a minimum.
  float rowScales[kStepBlocks][2][kTileRows];  ///< Of the first and last 16.
  float rowMinimums[kStepBlocks][kTileRows];
};

/// Four signed bytes as four f16: byte + 128 becomes the low bits of 1024 + (byte + 128), then 1152 is subtracted.
__device__ __forceinline__ uint2 bytesToHalves(unsigned word) {
  unsigned low, high;
  word ^= 0x80808080u;
  asm("prmt.b32 %0, %1, 0x64646464, 0x4140;" : "=r"(low) : "r"(word));
  asm("prmt.b32 %0, %1, 0x64646464, 0x4342;" : "=r"(high) : "r"(word));
  asm("sub.rn.f16x2 %0, %0, %1;" : "+r"(low) : "r"(0x64806480u));
  asm("sub.rn.f16x2 %0, %0, %1;" : "+r"(high) : "r"(0x64806480u));
  return make_uint2(low, high);
}

/// 32 signed bytes to units 4 · block to 4 · block + 3 of a row of the stage.
__device__ __forceinline__ void storeHalves(const unsigned (&words)[8], unsigned row, unsigned block,
                                            uint4 (&units)[8]) {
#pragma unroll
  for (unsigned i = 0; i < 4; ++i) {
    uint2 first = bytesToHalves(words[2 * i]), second = bytesToHalves(words[2 * i + 1]);
    units[(4 * block + i) ^ (row % 8)] = make_uint4(first.x, first.y, second.x, second.y);
  }
}

/// sums = a · b (+ sums): in each quad pair an 8 × 8 product of 4 numbers.
__device__ __forceinline__ void multiply(unsigned a0, unsigned a1, unsigned b0, unsigned b1, float (&sums)[8]) {
  asm("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, "
      "{%0, %1, %2, %3, %4, %5, %6, %7};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]), "+f"(sums[4]), "+f"(sums[5]), "+f"(sums[6]),
        "+f"(sums[7])
      : "r"(a0), "r"(a1), "r"(b0), "r"(b1));
}

/// Where the lanes of a warp stand in the tile: warps 2 × 2 of 32 × 32 numbers, quad pairs 2 × 2 of 16 × 16, two mma
/// each way.
struct TilePlace {
  unsigned column, row; ///< Of the quad pair's first.
  unsigned own;         ///< The row of 8 that this lane brings to an mma.
  __device__ __forceinline__ TilePlace() {
    unsigned lane = laneIndex(), pair = lane % 16 / 4;
    column = warpIndex() / 2 * 32 + pair / 2 * 16;
    row = warpIndex() % 2 * 32 + pair % 2 * 16;
    own = lane % 4 + lane / 16 * 4;
  }
  /// Number e of an mma's eight: its column and row of the 8 × 8.
  static __device__ __forceinline__ unsigned columnOf(unsigned e) {
    return (laneIndex() & 1) + (e & 2) + laneIndex() / 16 * 4;
  }
  static __device__ __forceinline__ unsigned rowOf(unsigned e) { return (e & 4) + (laneIndex() & 2) + (e & 1); }
};

/// The tile's sums that a lane holds: [column mma][row mma][number].
using TileSums = float[2][2][8];

/// Adds a stage's products to the sums.
template <bool HALVES, bool MINIMUM>
__device__ __forceinline__ void multiplyStage(const TileStage &stage, const TilePlace &place, TileSums &sums) {
  constexpr unsigned kParts = HALVES ? 2 : 1;
#pragma unroll
  for (unsigned block = 0; block < kStepBlocks; ++block)
#pragma unroll
    for (unsigned part = 0; part < kParts; ++part) {
      float products[2][2][8];
#pragma unroll
      for (unsigned i = 0; i < 2; ++i)
#pragma unroll
        for (unsigned j = 0; j < 2; ++j)
#pragma unroll
          for (unsigned e = 0; e < 8; ++e)
            products[i][j][e] = 0.0f;
#pragma unroll
      for (unsigned k = 0; k < 4 / kParts; ++k) {
        unsigned unit = (4 * block + part * 2 + k) ^ place.own;
        uint4 columns[2], rows[2];
#pragma unroll
        for (unsigned i = 0; i < 2; ++i) {
          columns[i] = stage.columns[place.column + 8 * i + place.own][unit];
          rows[i] = stage.rows[place.row + 8 * i + place.own][unit];
        }
#pragma unroll
        for (unsigned i = 0; i < 2; ++i)
#pragma unroll
          for (unsigned j = 0; j < 2; ++j) {
            multiply(columns[i].x, columns[i].y, rows[j].x, rows[j].y, products[i][j]);
            multiply(columns[i].z, columns[i].w, rows[j].z, rows[j].w, products[i][j]);
          }
      }
#pragma unroll
      for (unsigned i = 0; i < 2; ++i)
#pragma unroll
        for (unsigned j = 0; j < 2; ++j)
#pragma unroll
          for (unsigned e = 0; e < 8; ++e) {
            unsigned column = place.column + 8 * i + TilePlace::columnOf(e);
            unsigned row = place.row + 8 * j + TilePlace::rowOf(e);
            float scale = stage.columnScales[block][column] * stage.rowScales[block][part][row];
            sums[i][j][e] = fmaf(scale, products[i][j][e], sums[i][j][e]);
            if (MINIMUM && part == 0)
              sums[i][j][e] = fmaf(stage.rowMinimums[block][row], stage.columnSums[block][column], sums[i][j][e]);
          }
    }
}

/// Reads one block of an activation row, or zeros where there is none (row null, or past the end), and later stores it.
template <class A, unsigned K, unsigned ROWK, bool MINIMUM> struct ColumnLoader {
  unsigned words[8];
  float scale;

  __device__ __forceinline__ void load(const Byte *row, unsigned first, unsigned block, unsigned digit) {
    if (row == nullptr || block >= K / kBlock) {
#pragma unroll
      for (unsigned i = 0; i < 8; ++i)
        words[i] = 0;
      scale = 0.0f;
      return;
    }
    const Byte *digits = row + A::scaleBytes(ROWK) + digit * ROWK + first + block * kBlock;
    loadWords<8, A::alignment(ROWK)>(digits, words);
    scale = A::template scale<ROWK>(row, first / kBlock + block);
    if (A::kTwoDigits && digit == 0)
      scale *= 256.0f;
  }
  __device__ __forceinline__ void store(TileStage &stage, unsigned column, unsigned block) const {
    storeHalves(words, column, block, stage.columns[column]);
    stage.columnScales[block][column] = scale;
    if constexpr (MINIMUM) {
      int sum = 0;
#pragma unroll
      for (unsigned i = 0; i < 8; ++i)
        sum = dotBytes(0x01010101u, words[i], sum);
      stage.columnSums[block][column] = scale * static_cast<float>(sum);
    }
  }
};

/// The same for a block of a weight's row.
template <class W, unsigned N, unsigned K, bool MINIMUM> struct RowLoader {
  PackedBlock packed;
  bool present;

  __device__ __forceinline__ void load(const Byte *matrix, unsigned row, unsigned block) {
    present = row < N && block < K / kBlock;
    if (present)
      W::template load<N, K>(matrix, row, block, packed);
  }
  __device__ __forceinline__ void store(TileStage &stage, unsigned row, unsigned block) const {
    UnpackedBlock unpacked = {};
    float first = 0.0f, last = 0.0f, minimum = 0.0f;
    if (present) {
      W::unpack(packed, unpacked);
      // Scaling by a power of two is exact.
      first = last = unpacked.scale * (1.0f / static_cast<float>(1u << W::kShift));
      if constexpr (W::kHalves) {
        first *= static_cast<float>(unpacked.factors[0]);
        last *= static_cast<float>(unpacked.factors[1]);
      }
      if constexpr (W::kMinimum)
        minimum = unpacked.second;
    }
    storeHalves(unpacked.words, row, block, stage.rows[row]);
    stage.rowScales[block][0][row] = first;
    stage.rowScales[block][1][row] = last;
    if constexpr (MINIMUM)
      stage.rowMinimums[block][row] = minimum;
  }
};

/// Which weights a tile multiplies with: one, or a gate and an up of the same shape, whose rows alternate by eights.
template <class W0, class W1, unsigned N0, unsigned K0, bool IS_GATED> struct TileWeights {
  using First = W0;
  using Second = W1;
  static constexpr unsigned N = N0, K = K0;
  static constexpr bool kGated = IS_GATED;
  static constexpr bool kHalves = W0::kHalves || (IS_GATED && W1::kHalves);
  static constexpr bool kMinimum = W0::kMinimum || (IS_GATED && W1::kMinimum);
  /// Results per tile, and tiles of a matrix.
  static constexpr unsigned kResults = IS_GATED ? kTileRows / 2 : kTileRows;
  static constexpr unsigned kTiles = ceilDivide(N0, kResults);
  /// The matrix's row behind row `row` of the tile.
  static __device__ __forceinline__ unsigned source(unsigned row) { return IS_GATED ? row / 16 * 8 + row % 8 : row; }
  static __device__ __forceinline__ bool second(unsigned row) { return IS_GATED && row % 16 >= 8; }
};

/// Makes the tile with the activation row `column` (this thread's: number threadIdx.x / 2 of the tile; null: none),
/// whose numbers [first, first + K) count, and rows firstRow and on of the matrices. Calls write(value, column of the
/// tile, row of the matrix) for each result, columns past the last included. 128 threads.
template <class A, class TW, unsigned ROWK, class Write>
__device__ __forceinline__ void multiplyTile(const Byte *column, unsigned first, const Byte *matrix, const Byte *second,
                                             unsigned firstRow, const Write &write) {
  __shared__ TileStage stages[2];
  constexpr unsigned kDigits = A::kTwoDigits ? 2 : 1, kBlocks = TW::K / kBlock;
  constexpr unsigned kSteps = ceilDivide(kBlocks, kStepBlocks) * kDigits;
  unsigned own = threadIdx.x / 2, half = threadIdx.x % 2, row = firstRow + TW::source(own);
  bool isSecond = TW::second(own);
  ColumnLoader<A, TW::K, ROWK, TW::kMinimum> columns;
  RowLoader<typename TW::First, TW::N, TW::K, TW::kMinimum> rows;
  RowLoader<typename TW::Second, TW::N, TW::K, TW::kMinimum> otherRows;
  auto load = [&](unsigned step) {
    unsigned block = step / kDigits * kStepBlocks + half;
    columns.load(column, first, block, step % kDigits);
    if (isSecond)
      otherRows.load(second, row, block);
    else
      rows.load(matrix, row, block);
  };
  auto store = [&](TileStage &stage) {
    columns.store(stage, own, half);
    if (isSecond)
      otherRows.store(stage, own, half);
    else
      rows.store(stage, own, half);
  };
  TilePlace place;
  TileSums sums;
#pragma unroll
  for (unsigned i = 0; i < 2; ++i)
#pragma unroll
    for (unsigned j = 0; j < 2; ++j)
#pragma unroll
      for (unsigned e = 0; e < 8; ++e)
        sums[i][j][e] = 0.0f;
  load(0);
  store(stages[0]);
  __syncthreads();
#pragma unroll 1
  for (unsigned step = 0; step < kSteps; ++step) {
    // The next step's loads are under way while this one is computed; its stage was last read before the last barrier.
    if (step + 1 < kSteps)
      load(step + 1);
    multiplyStage<TW::kHalves, TW::kMinimum>(stages[step % 2], place, sums);
    if (step + 1 < kSteps)
      store(stages[(step + 1) % 2]);
    __syncthreads();
  }
#pragma unroll
  for (unsigned i = 0; i < 2; ++i)
#pragma unroll
    for (unsigned j = 0; j < (TW::kGated ? 1 : 2); ++j)
#pragma unroll
      for (unsigned e = 0; e < 8; ++e) {
        float value = TW::kGated ? silu(sums[i][0][e]) * sums[i][1][e] : sums[i][j][e];
        unsigned result = firstRow + TW::source(place.row + 8 * j + TilePlace::rowOf(e));
        if (result < TW::N)
          write(value, place.column + 8 * i + TilePlace::columnOf(e), result);
      }
}

} // namespace strata
