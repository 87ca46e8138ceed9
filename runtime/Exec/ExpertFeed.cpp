// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/ExpertFeed.h"

#include "runtime/Routing/NearlyAllExperts.h"

#include <algorithm>
#include <utility>

namespace strata {

uint64_t ExpertFeed::hostBytes(const ExpertFeedShape &shape) {
  uint64_t perExpert =
      kExpertMatrices * sizeof(const std::byte *) + 1 + 2 * sizeof(uint32_t) + sizeof(ExpertStore::Handle);
  return shape.rows * shape.used * sizeof(int32_t) + shape.experts * perExpert;
}

ExpertFeed::ExpertFeed(std::unique_ptr<ExpertStore> fromStore, const ExpertFeedShape &shape, bool waitsForAll)
    : experts(std::move(fromStore)), waitForAll(waitsForAll), usedByRow(shape.used), taken(shape.experts),
      aheadLayer(experts->layers().size()) {
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
  experts->beginStep(layer);
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

void ExpertFeed::beginPass(uint64_t rows) {
  aheadExpert = 0;
  aheadLayer = usesNearlyAllExperts(rows, usedByRow, taken.size()) ? 0 : experts->layers().size();
  readAhead();
}

void ExpertFeed::aheadIsAfter(uint32_t layer) {
  const std::vector<ExpertLayer> &layers = experts->layers();
  auto found = std::ranges::find(layers, layer, &ExpertLayer::layer);
  auto next = static_cast<size_t>(found - layers.begin()) + 1;
  if (aheadLayer >= next)
    return;
  aheadLayer = next;
  aheadExpert = 0;
}

void ExpertFeed::readAhead() {
  experts->takeArrived();
  while (aheadLayer < experts->layers().size()) {
    const ExpertLayer &layer = experts->layers()[aheadLayer];
    while (aheadExpert < layer.experts && experts->readAhead(layer.layer, aheadExpert))
      ++aheadExpert;
    if (aheadExpert < layer.experts)
      return; // No buffer is free.
    ++aheadLayer;
    aheadExpert = 0;
  }
}

/// As many as there are buffers for; at least one that is not computed is held afterwards.
Result<void> ExpertFeed::ask(uint32_t layer, ExpertUse use) {
  for (;;) {
    while (asked < needed.size()) {
      std::optional<ExpertStore::Handle> handle = experts->tryWant(layer, needed[asked], use);
      if (!handle)
        break;
      held.push_back(*handle);
      heldExperts.push_back(needed[asked++]);
    }
    if (computed < held.size())
      return {};
    if (!experts->waitForReads()) // An answer that failed has left reads under way.
      return tl::unexpected<Error>(experts->noRoom(layer, needed[asked]));
  }
}

/// Brings what has come behind what is computed; returns how many that are.
Result<size_t> ExpertFeed::takeReady() {
  size_t end = computed;
  for (size_t i = computed; i < held.size(); ++i) {
    if (experts->isReading(held[i]))
      continue;
    STRATA_TRY(experts->wait(held[i])); // Only to learn of a failure.
    std::swap(held[i], held[end]);
    std::swap(heldExperts[i], heldExperts[end]);
    ++end;
  }
  return end;
}

/// The held ones [first, end).
Result<void> ExpertFeed::compute(size_t first, size_t end, const Body &body) {
  for (size_t i = first; i < end; ++i) {
    taken[heldExperts[i]] = 1;
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix)
      tables[matrix][heldExperts[i]] = experts->slab(held[i], static_cast<ExpertMatrix>(matrix)).data();
  }
  ExpertPart part;
  part.taken = taken.data();
  part.first = !std::exchange(begun, true);
  part.last = asked == needed.size() && end == held.size();
  Result<void> done = body.function(body.launch, part);
  for (size_t i = first; i < end; ++i)
    taken[heldExperts[i]] = 0;
  return done;
}

Result<void> ExpertFeed::gather(uint32_t layer, std::span<const int32_t> used, const Body &body) {
  listNeeded(layer, ExpertUse::Decode, used);
  while (computed < needed.size()) {
    STRATA_TRY(ask(layer, ExpertUse::Decode));
    if (waitForAll) {
      for (ExpertStore::Handle handle : held)
        STRATA_TRY(experts->wait(handle));
    } else {
      experts->waitForAny(std::span(held).subspan(computed));
    }
    STRATA_ASSIGN(size_t end, takeReady());
    STRATA_TRY(compute(computed, end, body));
    computed = end;
  }
  return {};
}

Result<void> ExpertFeed::passHeld(uint32_t layer, const Body &body) {
  aheadIsAfter(layer);
  while (asked < needed.size() || !held.empty()) {
    STRATA_TRY(ask(layer, ExpertUse::Prompt));
    if (asked == needed.size())
      readAhead();
    STRATA_TRY(experts->wait(held.front()));
    STRATA_TRY(compute(0, 1, body));
    experts->release(held.front());
    held.erase(held.begin());
    heldExperts.erase(heldExperts.begin());
  }
  return {};
}

Result<void> ExpertFeed::pass(uint32_t layer, std::span<const int32_t> used, const Body &body) {
  listNeeded(layer, ExpertUse::Prompt, used);
  Result<void> done = passHeld(layer, body);
  release();
  experts->forgetAhead(layer);
  return done;
}

void ExpertFeed::release() {
  for (ExpertStore::Handle handle : held)
    experts->release(handle);
  held.clear();
  heldExperts.clear();
  computed = 0;
}

} // namespace strata
