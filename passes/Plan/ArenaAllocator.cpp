// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/ArenaAllocator.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace strata;
using namespace strata::plan;

namespace {

struct Placed {
  uint64_t offset;
  uint64_t end;
  unsigned request;
};

bool meet(const AllocationRequest &a, const AllocationRequest &b) {
  return a.begin < b.end && b.begin < a.end;
}

/// Places requests one by one, in the order given; `sizes` are rounded up.
class Packer {
public:
  Packer(const std::vector<AllocationRequest> &requests, const std::vector<uint64_t> &sizes)
      : offsets(requests.size(), 0), requests(requests), sizes(sizes) {}

  void place(unsigned request) {
    uint64_t offset = bestGap(request);
    offsets[request] = offset;
    Placed placed = {offset, offset + sizes[request], request};
    bytes = std::max(bytes, placed.end);
    auto position = std::upper_bound(byOffset.begin(), byOffset.end(), placed,
                                     [](const Placed &a, const Placed &b) { return a.offset < b.offset; });
    byOffset.insert(position, placed);
  }

  std::vector<uint64_t> offsets;
  uint64_t bytes = 0;

private:
  /// The smallest gap with room among what is live at the same time; the end of it all if there is none.
  uint64_t bestGap(unsigned request) const {
    uint64_t best = 0, bestRoom = std::numeric_limits<uint64_t>::max(), end = 0;
    bool found = false;
    for (const Placed &other : byOffset) {
      if (!meet(requests[request], requests[other.request]))
        continue;
      if (other.offset > end && other.offset - end >= sizes[request] && other.offset - end < bestRoom) {
        best = end;
        bestRoom = other.offset - end;
        found = true;
      }
      end = std::max(end, other.end);
    }
    return found ? best : end;
  }

  const std::vector<AllocationRequest> &requests;
  const std::vector<uint64_t> &sizes;
  std::vector<Placed> byOffset;
};

/// The most that is live at one time, if request i has sizes[i] bytes. A maximum begins where a request begins.
uint64_t mostLive(const std::vector<AllocationRequest> &requests, const std::vector<uint64_t> &sizes) {
  uint64_t most = 0;
  for (const AllocationRequest &at : requests) {
    uint64_t live = 0;
    for (size_t i = 0; i < requests.size(); ++i)
      if (requests[i].begin <= at.begin && at.begin < requests[i].end)
        live += sizes[i];
    most = std::max(most, live);
  }
  return most;
}

} // namespace

std::optional<Allocation> strata::plan::allocate(const std::vector<AllocationRequest> &requests, uint64_t alignment) {
  std::vector<uint64_t> exact, rounded;
  Checked total = 0;
  for (const AllocationRequest &request : requests) {
    Checked size = Checked(request.bytes).alignUp(alignment);
    total += size;
    exact.push_back(request.bytes);
    rounded.push_back(size.value());
  }
  if (!total.as<int64_t>())
    return std::nullopt;

  auto duration = [&](unsigned i) { return uint64_t(requests[i].end - requests[i].begin); };
  auto bySize = [&](unsigned a, unsigned b) {
    return std::pair(rounded[a], duration(a)) > std::pair(rounded[b], duration(b));
  };
  auto byDuration = [&](unsigned a, unsigned b) {
    return std::pair(duration(a), rounded[a]) > std::pair(duration(b), rounded[b]);
  };
  auto byBegin = [&](unsigned a, unsigned b) {
    return requests[a].begin != requests[b].begin ? requests[a].begin < requests[b].begin : rounded[a] > rounded[b];
  };

  const uint64_t leastPossible = mostLive(requests, rounded);
  Allocation best;
  best.bytes = std::numeric_limits<uint64_t>::max();
  auto tryOrder = [&](auto before) {
    if (best.bytes == leastPossible)
      return;
    std::vector<unsigned> order(requests.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), before);
    Packer packer(requests, rounded);
    for (unsigned request : order)
      packer.place(request);
    if (packer.bytes < best.bytes) {
      best.bytes = packer.bytes;
      best.offsets = std::move(packer.offsets);
    }
  };
  tryOrder(bySize);
  tryOrder(byDuration);
  tryOrder(byBegin);
  best.liveBytes = mostLive(requests, exact);
  return best;
}
