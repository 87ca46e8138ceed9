// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/ArenaAllocator.h"
#include "passes/Plan/LiveRanges.h"
#include "passes/Plan/Passes.h"
#include "passes/Plan/TierUse.h"
#include "passes/Statistics.h"

#include "llvm/Support/Format.h"

namespace strata::plan {
#define GEN_PASS_DEF_PLANALLOCATEARENAS
#include "passes/Plan/Passes.h.inc"
} // namespace strata::plan

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

/// Sizes of one arena, by encoding.
struct ArenaSizes {
  SmallVector<int64_t> bytes;
  SmallVector<int64_t> live;

  LogicalResult add(Checked newBytes, Checked newLive, ArenaOp arena) {
    std::optional<int64_t> most = newBytes.as<int64_t>();
    if (!most)
      return arena.emitError() << "arena " << arena.getSymName()
                               << " would have more than 2^63 - 1 bytes; choose smaller "
                               << "--context, --sequences or --prompt-tokens";
    bytes.push_back(*most);
    live.push_back(*newLive.as<int64_t>());
    return success();
  }
};

class PlanAllocateArenas : public plan::impl::PlanAllocateArenasBase<PlanAllocateArenas> {
public:
  using PlanAllocateArenasBase::PlanAllocateArenasBase;
  void runOnOperation() override;

private:
  FailureOr<ArenaSizes> sizeOf(ArenaOp arena);
  FailureOr<ArenaSizes> placeBuffers(ArenaOp arena);
  FailureOr<ArenaSizes> sizeKv(ArenaOp arena);
  FailureOr<ArenaSizes> sizeWeights(ArenaOp arena);
  FailureOr<ArenaSizes> sizeExperts(ArenaOp arena);
  void count(ArenaOp arena, const ArenaSizes &sizes);
  void print(ArenaOp arena, const ArenaSizes &sizes);

  /// For the statistics: as the settings encode activations.
  uint64_t arenaBytes = 0;
  uint64_t wasteBytes = 0;
  unsigned bufferCount = 0;
};

FailureOr<ArenaSizes> PlanAllocateArenas::placeBuffers(ArenaOp arena) {
  std::vector<LiveRange> ranges;
  // Programs of the two phases have arenas of their own, so that times of different programs never meet in one.
  for (auto program : getOperation().getOps<ProgramOp>())
    for (const LiveRange &range : computeLiveRanges(program)) {
      BufferOp buffer = range.buffer;
      if (buffer.getArenaAttr().getAttr() == arena.getSymNameAttr())
        ranges.push_back(range);
    }
  bufferCount += ranges.size();
  ArenaSizes sizes;
  SmallVector<SmallVector<int64_t>> offsets(ranges.size());
  for (ActivationEncoding activations : kActivationEncodings) {
    std::vector<AllocationRequest> requests;
    Checked total = 0;
    for (const LiveRange &range : ranges) {
      BufferOp buffer = range.buffer;
      Checked bytes = buffer.getBytes(activations);
      total += bytes;
      requests.push_back({bytes.value(), range.begin, range.end});
    }
    std::optional<Allocation> allocation = allocate(requests, kAlignment);
    bool fits = total.valid() && allocation;
    if (failed(sizes.add(fits ? Checked(allocation->bytes) : Checked(-1), fits ? allocation->liveBytes : 0, arena)))
      return failure();
    for (auto [list, offset] : llvm::zip(offsets, allocation->offsets))
      list.push_back(offset);
  }
  for (auto [range, list] : llvm::zip(ranges, offsets)) {
    BufferOp buffer = range.buffer;
    buffer.setOffsetsAttr(SizesAttr::get(&getContext(), list));
  }
  return sizes;
}

FailureOr<ArenaSizes> PlanAllocateArenas::sizeKv(ArenaOp arena) {
  ArenaSizes sizes;
  for (uint64_t numberBytes : {2, 4}) {
    Checked bytes = 0;
    for (auto cache : getOperation().getOps<KvCacheOp>())
      if (cache.getArenaAttr().getAttr() == arena.getSymNameAttr())
        bytes += cacheBytes(cache, numberBytes);
    if (failed(sizes.add(bytes, bytes, arena)))
      return failure();
  }
  return sizes;
}

FailureOr<ArenaSizes> PlanAllocateArenas::sizeWeights(ArenaOp arena) {
  Checked bytes = 0, live = 0;
  for (auto tensor : getOperation().getOps<TensorOp>()) {
    if (tensor.getTier() != arena.getTier())
      continue;
    Checked size = Checked(*weightBytes(tensor.getType()));
    bytes += size.alignUp(kAlignment) * tensor.getTensorCount();
    live += size * tensor.getTensorCount();
  }
  ArenaSizes sizes;
  if (failed(sizes.add(bytes, live, arena)))
    return failure();
  return sizes;
}

FailureOr<ArenaSizes> PlanAllocateArenas::sizeExperts(ArenaOp arena) {
  ArenaSizes sizes;
  Checked bytes = expertBytes(getOperation(), arena.getTier());
  if (failed(sizes.add(bytes, bytes, arena)))
    return failure();
  return sizes;
}

FailureOr<ArenaSizes> PlanAllocateArenas::sizeOf(ArenaOp arena) {
  switch (arena.getKind()) {
  case ArenaKind::weights:
    return sizeWeights(arena);
  case ArenaKind::kv:
    return sizeKv(arena);
  case ArenaKind::experts:
    return sizeExperts(arena);
  case ArenaKind::staging:
    if (!arena.getBytes())
      return arena.emitError() << "arena " << arena.getSymName() << " has no size, and that of staging is given";
    return ArenaSizes{SmallVector<int64_t>(arena.getBytes()->getValues()),
                      SmallVector<int64_t>(arena.getLive()->getValues())};
  case ArenaKind::decode:
  case ArenaKind::prompt:
  case ArenaKind::chunk:
    return placeBuffers(arena);
  }
  llvm_unreachable("all arenas have a size");
}

void PlanAllocateArenas::count(ArenaOp arena, const ArenaSizes &sizes) {
  if (sizes.bytes.size() != std::size(kActivationEncodings))
    return;
  SettingsOp settings = SettingsOp::lookup(arena);
  bool decode = arena.getKind() == ArenaKind::decode;
  auto chosen = static_cast<size_t>(decode ? settings.getDecodeActivations() : settings.getPromptActivations());
  arenaBytes += sizes.bytes[chosen];
  wasteBytes += sizes.bytes[chosen] - sizes.live[chosen];
}

void PlanAllocateArenas::print(ArenaOp arena, const ArenaSizes &sizes) {
  llvm::outs() << "// arena " << arena.getSymName() << ":";
  llvm::interleaveComma(llvm::zip(SizesAttr::getNames(sizes.bytes.size()), sizes.bytes, sizes.live), llvm::outs(),
                        [](const auto &entry) {
                          auto [name, bytes, live] = entry;
                          double waste = bytes == 0 ? 0 : 100.0 * double(bytes - live) / double(bytes);
                          llvm::outs() << " " << name << " " << bytes << " bytes, " << live << " live, "
                                       << llvm::format("%.2f %% waste", waste);
                        });
  llvm::outs() << "\n";
}

void PlanAllocateArenas::runOnOperation() {
  if (getOperation().getOps<SettingsOp>().empty()) {
    getOperation().emitError("has no plan.settings: run --convert-moe-to-plan before");
    return signalPassFailure();
  }
  for (auto arena : getOperation().getOps<ArenaOp>()) {
    FailureOr<ArenaSizes> sizes = sizeOf(arena);
    if (failed(sizes))
      return signalPassFailure();
    arena.setBytesAttr(SizesAttr::get(&getContext(), sizes->bytes));
    arena.setLiveAttr(SizesAttr::get(&getContext(), sizes->live));
    count(arena, *sizes);
    if (printWaste)
      print(arena, *sizes);
  }
  reportStatistics(getOperation(), getArgument(),
                   {{"arena-bytes", arenaBytes}, {"waste-bytes", wasteBytes}, {"buffers", bufferCount}});
}

} // namespace
