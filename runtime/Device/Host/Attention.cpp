// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// attention, attention_splits and attention_combine: absorbed multi-head latent attention (DeepSeek-V2, arXiv
// 2405.04434, section 2.1), with the softmax taken block by block (Milakov and Gimelshein, arXiv 1805.02867).
#include "runtime/Device/Host/Attention/Tile.h"
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/KvCache.h"
#include "runtime/Device/Host/Scratch.h"

#include <limits>

namespace strata::host {
namespace {

/// One worker's scratch.
struct AttentionScratch {
  AttentionScratch(std::byte *memory, const KvView &kv) {
    tile.latent = kv.latent;
    tile.width = static_cast<uint64_t>(kv.latent) + kv.rope;
    tile.stride = (tile.width + kTileColumns - 1) / kTileColumns * kTileColumns;
    tile.numbers = reinterpret_cast<float *>(memory);
    tile.transposed = tile.numbers + kAttentionBlockPositions * tile.stride;
    scores = tile.transposed + kAttentionBlockPositions * tile.stride;
  }

  CachedTile tile = {};
  float *scores; ///< Of the query rows against the tile.
};

/// The rows see positions [begin, end) of a sequence, from nothing.
void attendRange(const AttentionKernels &kernels, const KvView &kv, uint64_t sequence, uint64_t begin, uint64_t end,
                 AttentionScratch &scratch, QueryRows &rows) {
  for (uint64_t i = 0; i < rows.count; ++i) {
    rows.largest[i] = -std::numeric_limits<float>::infinity();
    rows.total[i] = 0;
    std::fill_n(rows.sums[i], kv.latent, 0.0f);
  }
  const void *cached[kAttentionBlockPositions];
  for (uint64_t from = begin; from < end;) {
    uint64_t to = std::min(end, (from / kAttentionBlockPositions + 1) * kAttentionBlockPositions);
    for (uint64_t position = from; position < to; ++position)
      cached[position - from] = cachedRow(kv, sequence, position);
    scratch.tile.count = to - from;
    kernels.read(cached, kv.encoding == schema::KvEncoding::f16, scratch.tile);
    kernels.attend(scratch.tile, scratch.scores, rows);
    from = to;
  }
}

/// The operands of attention and attention_splits.
struct AttentionCall {
  explicit AttentionCall(const KernelCall &call)
      : kv(*call.reads[2].kv), heads(call.parameters.heads), scale(call.parameters.scale), queries(call.reads[0]),
        rotated(call.reads[1]), positions(call.reads[3]), sequences(call.reads[4]), result(call.writes[0]) {}

  uint64_t visible(uint64_t row) const { return static_cast<uint64_t>(*rowOf<const int32_t>(positions, row)) + 1; }
  uint64_t sequence(uint64_t row) const { return static_cast<uint64_t>(*rowOf<const int32_t>(sequences, row)); }

  /// How many heads one task takes: many share the reading of cached rows, but every thread should have some. Results
  /// do not depend on it.
  uint64_t headsPerTask(uint64_t tasks, unsigned threads) const {
    constexpr uint64_t kFewest = 16;
    uint64_t share = std::min<uint64_t>(heads, kAttentionQueryRows);
    while (share > kFewest && tasks * ((heads + share - 1) / share) < 2 * uint64_t{threads})
      share = (share + 1) / 2;
    return share;
  }

  /// Heads [first, first + count) of a row, with `sumOf(head)` as the place of each one's sum.
  template <typename SumOf> void take(uint64_t row, uint64_t first, uint64_t count, QueryRows &to, SumOf sumOf) const {
    to.count = std::min(count, heads - first);
    to.scale = scale;
    for (uint64_t i = 0; i < to.count; ++i) {
      to.absorbed[i] = rowOf<const float>(queries, row) + (first + i) * kv.latent;
      to.rotated[i] = rowOf<const float>(rotated, row) + (first + i) * kv.rope;
      to.sums[i] = sumOf(first + i);
    }
  }

  const KvView &kv;
  uint64_t heads;
  float scale;
  const BoundOperand &queries, &rotated, &positions, &sequences, &result;
};

} // namespace

void attention(const Context &context, const KernelCall &call) {
  AttentionCall attention(call);
  const KvView &kv = attention.kv;
  uint64_t share = attention.headsPerTask(call.rows, context.pool.threads());
  uint64_t groups = (attention.heads + share - 1) / share;
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned worker) {
    AttentionScratch scratch(context.workerScratch(worker), kv);
    QueryRows rows;
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / groups;
      float *out = rowOf<float>(attention.result, row);
      attention.take(row, task % groups * share, share, rows, [&](uint64_t head) { return out + head * kv.latent; });
      attendRange(context.attention, kv, attention.sequence(row), 0, attention.visible(row), scratch, rows);
      for (uint64_t i = 0; i < rows.count; ++i)
        for (uint64_t at = 0; at < kv.latent; ++at)
          rows.sums[i][at] /= rows.total[i];
    }
  };
  context.pool.parallelFor(call.rows * groups, 1, tasks);
}

void attentionSplits(const Context &context, const KernelCall &call) {
  AttentionCall attention(call);
  const KvView &kv = attention.kv;
  uint64_t splitPositions = call.parameters.splitPositions;
  uint64_t partial = static_cast<uint64_t>(kv.latent) + 2; // Numbers of one head's part: m, l and the sum.
  uint64_t splits = attention.result.columns / (attention.heads * partial), used = 0;
  for (uint64_t row = 0; row < call.rows; ++row)
    used += (attention.visible(row) + splitPositions - 1) / splitPositions;
  uint64_t share = attention.headsPerTask(used, context.pool.threads());
  uint64_t groups = (attention.heads + share - 1) / share;
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned worker) {
    AttentionScratch scratch(context.workerScratch(worker), kv);
    QueryRows rows;
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / (splits * groups), split = task / groups % splits;
      uint64_t first = split * splitPositions, last = std::min(attention.visible(row), first + splitPositions);
      if (first >= last)
        continue;
      auto partOf = [&](uint64_t head) {
        return rowOf<float>(attention.result, row) + (head * splits + split) * partial;
      };
      uint64_t firstHead = task % groups * share;
      attention.take(row, firstHead, share, rows, [&](uint64_t head) { return partOf(head) + 2; });
      attendRange(context.attention, kv, attention.sequence(row), first, last, scratch, rows);
      for (uint64_t i = 0; i < rows.count; ++i) {
        float *part = partOf(firstHead + i);
        part[0] = rows.largest[i];
        part[1] = rows.total[i];
      }
    }
  };
  context.pool.parallelFor(call.rows * splits * groups, 1, tasks);
}

/// sum[i] += weight · row[i]
static void addScaled(float *__restrict sum, const float *__restrict row, float weight, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    sum[i] += weight * row[i];
}

void attentionCombine(const Context &context, const KernelCall &call) {
  const BoundOperand &parts = call.reads[0], &positions = call.reads[1], &result = call.writes[0];
  uint64_t heads = call.parameters.heads, latent = result.columns / heads;
  uint64_t partial = latent + 2, splits = parts.columns / (heads * partial);
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / heads, head = task % heads;
      uint64_t used = static_cast<uint64_t>(*rowOf<const int32_t>(positions, row)) / call.parameters.splitPositions + 1;
      const float *part = rowOf<const float>(parts, row) + head * splits * partial;
      float *out = rowOf<float>(result, row) + head * latent;
      float largest = part[0], total = 0;
      for (uint64_t split = 1; split < used; ++split)
        largest = std::max(largest, part[split * partial]);
      std::fill_n(out, latent, 0.0f);
      for (uint64_t split = 0; split < used; ++split, part += partial) {
        float factor = exponential(part[0] - largest);
        total += part[1] * factor;
        addScaled(out, part + 2, factor, latent);
      }
      for (uint64_t i = 0; i < latent; ++i)
        out[i] /= total;
    }
  };
  context.pool.parallelFor(call.rows * heads, grainFor(latent * 4), tasks);
}

} // namespace strata::host
