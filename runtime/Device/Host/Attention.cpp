// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// attention, attention_splits and attention_combine: absorbed multi-head latent attention (DeepSeek-V2, arXiv
// 2405.04434, section 2.1), with the softmax taken block by block (Milakov and Gimelshein, arXiv 1805.02867).
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/KvCache.h"
#include "runtime/Device/Host/LaneSum.h"
#include "runtime/Device/Host/Scratch.h"

#include <limits>

namespace strata::host {
namespace {

/// Heads that share the conversion of a block of cached rows.
constexpr uint64_t kHeadsPerTask = 8;

/// The softmax-weighted sum of what one head has seen so far.
struct HeadState {
  const float *query;   ///< Absorbed part, `latent` numbers.
  const float *rotated; ///< Rotated part, `rope` numbers.
  float *sum;           ///< Unnormalised, `latent` numbers.
  float largest;        ///< Score.
  float total;          ///< Of the exponentials.
};

struct Heads {
  HeadState states[kHeadsPerTask];
  uint64_t count = 0;
};

/// At most kAttentionBlockPositions consecutive cached rows, as f32.
struct CachedBlock {
  const float *rows[kAttentionBlockPositions];
  uint64_t count = 0;
};

/// Finds the rows of positions [begin, end), converting them into `scratch` if they are f16.
CachedBlock readBlock(const KvView &kv, uint64_t sequence, uint64_t begin, uint64_t end, float *scratch) {
  CachedBlock block;
  uint64_t width = static_cast<uint64_t>(kv.latent) + kv.rope;
  for (uint64_t position = begin; position < end; ++position) {
    const std::byte *row = cachedRow(kv, sequence, position);
    if (kv.encoding == schema::KvEncoding::f32) {
      block.rows[block.count++] = reinterpret_cast<const float *>(row);
      continue;
    }
    const auto *halves = reinterpret_cast<const uint16_t *>(row);
    float *numbers = scratch + block.count * width;
    for (uint64_t i = 0; i < width; ++i)
      numbers[i] = f16ToF32(halves[i]);
    block.rows[block.count++] = numbers;
  }
  return block;
}

/// sum[i] += weight · row[i]
inline void addScaled(float *__restrict sum, const float *__restrict row, float weight, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i)
    sum[i] += weight * row[i];
}

/// One worker's scratch.
struct AttentionScratch {
  AttentionScratch(std::byte *memory, const KvView &kv)
      : rows(reinterpret_cast<float *>(memory)),
        scores(rows + kAttentionBlockPositions * (static_cast<uint64_t>(kv.latent) + kv.rope)),
        sum(scores + kAttentionBlockPositions) {}

  float *rows;   ///< A block of cached rows as f32.
  float *scores; ///< One head's against the block.
  float *sum;    ///< One head's weighted sum of the block.
};

void attendBlock(const KvView &kv, const CachedBlock &block, float scale, const AttentionScratch &scratch,
                 HeadState &head) {
  float largest = head.largest;
  for (uint64_t i = 0; i < block.count; ++i) {
    float product = laneDot<float>(head.query, block.rows[i], kv.latent) +
                    laneDot<float>(head.rotated, block.rows[i] + kv.latent, kv.rope);
    scratch.scores[i] = product * scale;
    largest = std::max(largest, scratch.scores[i]);
  }
  float total = 0;
  std::fill_n(scratch.sum, kv.latent, 0.0f);
  for (uint64_t i = 0; i < block.count; ++i) {
    float weight = exponential(scratch.scores[i] - largest);
    total += weight;
    addScaled(scratch.sum, block.rows[i], weight, kv.latent);
  }
  float factor = exponential(head.largest - largest);
  head.largest = largest;
  head.total = head.total * factor + total;
  for (uint64_t i = 0; i < kv.latent; ++i)
    head.sum[i] = head.sum[i] * factor + scratch.sum[i];
}

/// Positions [begin, end) of a sequence, from nothing.
void attendRange(const KvView &kv, uint64_t sequence, uint64_t begin, uint64_t end, float scale,
                 const AttentionScratch &scratch, Heads &heads) {
  for (uint64_t i = 0; i < heads.count; ++i) {
    heads.states[i].largest = -std::numeric_limits<float>::infinity();
    heads.states[i].total = 0;
    std::fill_n(heads.states[i].sum, kv.latent, 0.0f);
  }
  for (uint64_t from = begin; from < end;) {
    uint64_t to = std::min(end, (from / kAttentionBlockPositions + 1) * kAttentionBlockPositions);
    CachedBlock block = readBlock(kv, sequence, from, to, scratch.rows);
    for (uint64_t i = 0; i < heads.count; ++i)
      attendBlock(kv, block, scale, scratch, heads.states[i]);
    from = to;
  }
}

/// The operands of attention and attention_splits.
struct AttentionCall {
  explicit AttentionCall(const KernelCall &call)
      : kv(*call.reads[2].kv), heads(call.parameters.heads), scale(call.parameters.scale), queries(call.reads[0]),
        rotated(call.reads[1]), positions(call.reads[3]), sequences(call.reads[4]), result(call.writes[0]) {}

  uint64_t headGroups() const { return (heads + kHeadsPerTask - 1) / kHeadsPerTask; }
  uint64_t visible(uint64_t row) const { return static_cast<uint64_t>(*rowOf<const int32_t>(positions, row)) + 1; }
  uint64_t sequence(uint64_t row) const { return static_cast<uint64_t>(*rowOf<const int32_t>(sequences, row)); }

  /// The heads of a group, with `sumOf(head)` as the place of each one's sum.
  template <typename SumOf> Heads headsOf(uint64_t row, uint64_t group, const SumOf &sumOf) const {
    Heads members;
    for (uint64_t head = group * kHeadsPerTask; head < std::min(heads, (group + 1) * kHeadsPerTask); ++head)
      members.states[members.count++] = {rowOf<const float>(queries, row) + head * kv.latent,
                                         rowOf<const float>(rotated, row) + head * kv.rope, sumOf(head), 0, 0};
    return members;
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
  uint64_t groups = attention.headGroups();
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned worker) {
    AttentionScratch scratch(context.workerScratch(worker), kv);
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / groups;
      float *out = rowOf<float>(attention.result, row);
      Heads heads = attention.headsOf(row, task % groups, [&](uint64_t head) { return out + head * kv.latent; });
      attendRange(kv, attention.sequence(row), 0, attention.visible(row), attention.scale, scratch, heads);
      for (uint64_t i = 0; i < heads.count; ++i)
        for (uint64_t at = 0; at < kv.latent; ++at)
          heads.states[i].sum[at] /= heads.states[i].total;
    }
  };
  context.pool.parallelFor(call.rows * groups, 1, tasks);
}

void attentionSplits(const Context &context, const KernelCall &call) {
  AttentionCall attention(call);
  const KvView &kv = attention.kv;
  uint64_t groups = attention.headGroups(), splitPositions = call.parameters.splitPositions;
  uint64_t partial = static_cast<uint64_t>(kv.latent) + 2; // Numbers of one head's part: m, l and the sum.
  uint64_t splits = attention.result.columns / (attention.heads * partial);
  auto tasks = [&](uint64_t begin, uint64_t end, unsigned worker) {
    AttentionScratch scratch(context.workerScratch(worker), kv);
    for (uint64_t task = begin; task < end; ++task) {
      uint64_t row = task / (splits * groups), split = task / groups % splits;
      uint64_t first = split * splitPositions, last = std::min(attention.visible(row), first + splitPositions);
      if (first >= last)
        continue;
      auto partOf = [&](uint64_t head) {
        return rowOf<float>(attention.result, row) + (head * splits + split) * partial;
      };
      uint64_t group = task % groups;
      Heads heads = attention.headsOf(row, group, [&](uint64_t head) { return partOf(head) + 2; });
      attendRange(kv, attention.sequence(row), first, last, attention.scale, scratch, heads);
      for (uint64_t i = 0; i < heads.count; ++i) {
        float *part = partOf(group * kHeadsPerTask + i);
        part[0] = heads.states[i].largest;
        part[1] = heads.states[i].total;
      }
    }
  };
  context.pool.parallelFor(call.rows * splits * groups, 1, tasks);
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
