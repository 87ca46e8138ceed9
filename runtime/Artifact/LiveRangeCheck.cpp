// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Schema/RowBytes.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace strata::artifact {
namespace {

/// A range of an arena and the dispatches of a block, both ends included, between which it must keep its content.
struct LiveRange {
  uint32_t value;
  uint32_t arena;
  uint64_t begin, end; ///< Bytes; end is not included.
  uint32_t first, last;
};

/// The first and last dispatch of a block that touch each value.
class BlockLives {
public:
  BlockLives(const schema::Program &ofProgram, const schema::Block &block) : program(ofProgram) {
    for (const schema::Stage *stage : *block.stages())
      addStage(*stage);
    for (auto &[value, life] : lives)
      if (valueAt(value).role() == schema::Role::logits)
        life.last = next; // Exec reads it when the stage is over.
  }

  std::vector<LiveRange> ranges(const schema::Settings &settings, schema::ActivationEncoding activations) const {
    std::vector<LiveRange> result;
    for (const auto &[value, life] : lives)
      result.push_back(range(settings, activations, value, life));
    for (uint32_t value = 0; value < program.values()->size(); ++value)
      if (livesThroughout(valueAt(value)))
        result.push_back(range(settings, activations, value, {0, std::numeric_limits<uint32_t>::max()}));
    return result;
  }

private:
  struct Life {
    uint32_t first, last;
  };

  const schema::Value &valueAt(uint32_t index) const { return *program.values()->Get(index); }

  void addStage(const schema::Stage &stage) {
    uint32_t begin = next, end = next + stage.dispatches()->size() - 1;
    for (const schema::Dispatch *dispatch : *stage.dispatches()) {
      for (const auto *operands : {dispatch->reads(), dispatch->writes()})
        for (const schema::Operand *operand : *operands)
          if (operand->kind() == schema::OperandKind::value)
            touch(stage, operand->index(), begin, end);
      // The device that is copied to works beside this one: nothing else may have these bytes in the block.
      if (dispatch->operation() == schema::Operation::transfer)
        if (auto copied = lives.find(dispatch->writes()->Get(0)->index()); copied != lives.end())
          copied->second = {0, std::numeric_limits<uint32_t>::max()};
      ++next;
    }
  }

  /// All chunks go through a stage one after the other: what has rows of its own for each of them must last from the
  /// first chunk's beginning to the last one's end.
  void touch(const schema::Stage &stage, uint32_t value, uint32_t begin, uint32_t end) {
    if (livesThroughout(valueAt(value)))
      return;
    bool repeats = stage.rows() == schema::Rows::chunk || stage.rows() == schema::Rows::output;
    bool whole = repeats && valueAt(value).rows() == schema::Rows::prompt;
    Life life = whole ? Life{begin, end} : Life{next, next};
    auto [found, isNew] = lives.try_emplace(value, life);
    if (!isNew)
      found->second.last = life.last;
  }

  LiveRange range(const schema::Settings &settings, schema::ActivationEncoding activations, uint32_t index,
                  Life life) const {
    const schema::Value &value = valueAt(index);
    uint64_t begin = value.offsets()->Get(static_cast<uint32_t>(activations));
    // A19 made sure that this does not overflow.
    Checked bytes = valueRowBytes(value.element(), activations, value.columns()) * rowCapacity(settings, value.rows());
    return {index, value.arena(), begin, begin + bytes.value(), life.first, life.last};
  }

  const schema::Program &program;
  std::map<uint32_t, Life> lives;
  uint32_t next = 0; ///< The number of the next dispatch of the block.
};

/// Sweeps over the dispatches with the live ranges sorted by their bytes: a new one can only meet its neighbours.
/// Returns two that meet, or nothing.
std::optional<std::pair<LiveRange, LiveRange>> findOverlap(std::vector<LiveRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  using Place = std::pair<uint32_t, uint64_t>; // Arena and first byte.
  std::map<Place, LiveRange> live;
  auto endsLater = [](const LiveRange &a, const LiveRange &b) { return a.last > b.last; };
  std::priority_queue<LiveRange, std::vector<LiveRange>, decltype(endsLater)> endings(endsLater);
  for (const LiveRange &range : ranges) {
    for (; !endings.empty() && endings.top().last < range.first; endings.pop())
      live.erase({endings.top().arena, endings.top().begin});
    auto after = live.lower_bound({range.arena, range.begin});
    if (after != live.end() && after->second.arena == range.arena && after->second.begin < range.end)
      return std::pair(after->second, range);
    if (after != live.begin())
      if (auto before = std::prev(after); before->second.arena == range.arena && before->second.end > range.begin)
        return std::pair(before->second, range);
    live.emplace(Place{range.arena, range.begin}, range);
    endings.push(range);
  }
  return std::nullopt;
}

} // namespace

static Result<void> checkBlock(const schema::Artifact &artifact, const schema::Program &program,
                               const schema::Block &block) {
  BlockLives lives(program, block);
  for (auto activations :
       {schema::ActivationEncoding::i8, schema::ActivationEncoding::i16, schema::ActivationEncoding::f32})
    if (auto overlap = findOverlap(lives.ranges(*artifact.settings(), activations)))
      return refuse("A24", fmt::format("{} and {} live at the same time in block {} and share bytes with {} "
                                       "activations",
                                       describe(program, *program.values()->Get(overlap->first.value)),
                                       printable(program.values()->Get(overlap->second.value)->name()),
                                       printable(block.name()), schema::EnumNameActivationEncoding(activations)));
  return {};
}

static Result<void> checkTensors(const schema::Artifact &artifact) {
  std::vector<const schema::Tensor *> tensors(artifact.tensors()->begin(), artifact.tensors()->end());
  std::sort(tensors.begin(), tensors.end(),
            [](const auto *a, const auto *b) { return a->arena_offset() < b->arena_offset(); });
  std::erase_if(tensors, [](const auto *tensor) { return tensor->tier() == schema::Tier::disk; });
  std::stable_sort(tensors.begin(), tensors.end(), [](const auto *a, const auto *b) { return a->tier() < b->tier(); });
  for (size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i - 1]->tier() == tensors[i]->tier() &&
        tensors[i - 1]->arena_offset() + tensors[i - 1]->bytes() > tensors[i]->arena_offset())
      return refuse("A24", fmt::format("tensors {} and {} share bytes of the weights arena",
                                       printable(tensors[i - 1]->name()), printable(tensors[i]->name())));
  return {};
}

Result<void> checkLiveRanges(const schema::Artifact &artifact) {
  STRATA_TRY(checkTensors(artifact));
  for (const schema::Program *program : *artifact.programs())
    for (const schema::Block *block : *program->blocks())
      STRATA_TRY(checkBlock(artifact, *program, *block));
  return {};
}

} // namespace strata::artifact
