// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/ExpertFeed.h"

#include <algorithm>
#include <utility>

namespace strata {

uint64_t ExpertFeed::hostBytes(const ExpertFeedShape &shape) {
  uint64_t perExpert =
      kExpertMatrices * sizeof(const std::byte *) + 1 + 2 * sizeof(uint32_t) + sizeof(ExpertStore::Handle);
  return shape.rows * shape.used * sizeof(int32_t) + shape.experts * perExpert +
         shape.decodeRows * shape.used * shape.embedding * sizeof(float);
}

ExpertFeed::ExpertFeed(std::unique_ptr<ExpertStore> fromStore, const ExpertFeedShape &shape, bool waitsForAll)
    : experts(std::move(fromStore)), waitForAll(waitsForAll), taken(shape.experts),
      results(shape.decodeRows * shape.used * shape.embedding) {
  for (auto &table : tables)
    table.resize(shape.experts);
  ids.reserve(shape.rows * shape.used);
  needed.reserve(shape.experts);
  held.reserve(shape.experts);
  heldExperts.reserve(shape.experts);
}

ExpertMatrix ExpertFeed::matrixOf(std::string_view tensor) const {
  for (const ExpertLayer &layer : experts->layers())
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix)
      if (layer.matrices[matrix].tensor == tensor)
        return static_cast<ExpertMatrix>(matrix);
  return ExpertMatrix::Gate; // Not reached: A23, and the tensors are the model's.
}

/// Every expert that is used, once: in prompts in ascending order, when decoding those first that are there.
void ExpertFeed::listNeeded(uint32_t layer, ExpertUse use, std::span<const int32_t> used) {
  for (int32_t id : used)
    taken[static_cast<size_t>(id)] = 1;
  needed.clear();
  auto collect = [&](bool present) {
    for (uint32_t expert = 0; expert < taken.size(); ++expert)
      if (taken[expert] && (use == ExpertUse::Prompt || experts->expects({layer, expert}) == present))
        needed.push_back(expert);
  };
  collect(true);
  if (use == ExpertUse::Decode)
    collect(false);
  std::fill(taken.begin(), taken.end(), 0);
  asked = 0;
  begun = false;
}

/// As many as there are buffers for.
void ExpertFeed::ask(uint32_t layer, ExpertUse use) {
  while (asked < needed.size()) {
    std::optional<ExpertStore::Handle> handle = experts->tryWant(layer, needed[asked], use);
    if (!handle)
      return;
    held.push_back(*handle);
    heldExperts.push_back(needed[asked++]);
  }
}

Result<void> ExpertFeed::waitForSome(ExpertUse use) {
  if (use == ExpertUse::Prompt)
    return experts->wait(held.front());
  if (!waitForAll) {
    experts->waitForAny(held);
    return {};
  }
  for (ExpertStore::Handle handle : held)
    STRATA_TRY(experts->wait(handle));
  return {};
}

/// Brings those that can be computed to the front: in prompts the next one, else whatever has come.
Result<void> ExpertFeed::takeReady(ExpertUse use) {
  ready = 0;
  for (size_t i = 0; i < held.size() && (use == ExpertUse::Decode || i == 0); ++i) {
    if (experts->isReading(held[i]))
      continue;
    STRATA_TRY(experts->wait(held[i])); // Only to learn of a failure.
    std::swap(held[i], held[ready]);
    std::swap(heldExperts[i], heldExperts[ready]);
    ++ready;
  }
  return {};
}

Result<void> ExpertFeed::computeTaken(Body body, const void *launch) {
  for (size_t i = 0; i < ready; ++i) {
    taken[heldExperts[i]] = 1;
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix)
      tables[matrix][heldExperts[i]] = experts->slab(held[i], static_cast<ExpertMatrix>(matrix)).data();
  }
  ExpertPart part;
  part.taken = taken.data();
  part.results = results.data();
  part.first = !std::exchange(begun, true);
  part.last = asked == needed.size() && ready == held.size();
  Result<void> computed = body(launch, part);
  for (size_t i = 0; i < ready; ++i) {
    taken[heldExperts[i]] = 0;
    experts->release(held[i]);
  }
  held.erase(held.begin(), held.begin() + static_cast<ptrdiff_t>(ready));
  heldExperts.erase(heldExperts.begin(), heldExperts.begin() + static_cast<ptrdiff_t>(ready));
  return computed;
}

void ExpertFeed::releaseAll() {
  for (ExpertStore::Handle handle : held)
    experts->release(handle);
  held.clear();
  heldExperts.clear();
}

Result<void> ExpertFeed::runParts(uint32_t layer, ExpertUse use, std::span<const int32_t> used, Body body,
                                  const void *launch) {
  listNeeded(layer, use, used);
  Result<void> result;
  do {
    ask(layer, use);
    if (held.empty()) { // An answer that failed has left reads under way.
      if (!experts->waitForReads())
        return tl::unexpected<Error>(experts->noRoom(layer, needed[asked]));
      continue;
    }
    result = waitForSome(use);
    if (result)
      result = takeReady(use);
    if (result)
      result = computeTaken(body, launch);
  } while (result && (asked < needed.size() || !held.empty()));
  releaseAll();
  return result;
}

} // namespace strata
