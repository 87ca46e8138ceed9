// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Scoreboard.h"

#include "runtime/Simulator/Footprint.h"

#include <algorithm>

namespace strata::sim {

Scoreboard::Scoreboard(const Program &program, const Latencies &gpuLatencies) : latencies(gpuLatencies) {
  unitReady.resize(program.units);
  loadOf.resize(program.units);
  predicateReady.resize(program.predicates);
}

void Scoreboard::start() {
  now = issuedAt = latestIssue = latestStore = lastLoadReady = 0;
  loadsIssued = loadsWaited = bytesIssued = bytesWaited = 0;
  for (std::vector<uint64_t> *numbers : {&unitReady, &predicateReady, &loadOf})
    std::fill(numbers->begin(), numbers->end(), 0);
}

void Scoreboard::issue(const Instruction &i, Counts &counts) {
  now += latencies.issue;
  uint64_t ready = now, needed = 0;
  for (uint32_t source = 0; source < i.sources; ++source) {
    ready = std::max(ready, unitReady[i.source[source]]);
    needed = std::max(needed, loadOf[i.source[source]]);
  }
  for (Unit predicate : {i.predicate, i.predicateSource[0], i.predicateSource[1]})
    if (predicate != kNoUnit)
      ready = std::max(ready, predicateReady[predicate]);
  bool isLoad = i.counted == InstructionClass::loadGlobal || i.counted == InstructionClass::loadShared ||
                i.counted == InstructionClass::local;
  if (isLoad)
    ready = std::max(ready, latestStore);
  issuedAt = ready;
  latestIssue = std::max(latestIssue, ready);
  if (i.counted == InstructionClass::storeGlobal || i.counted == InstructionClass::storeShared ||
      i.counted == InstructionClass::atomic)
    latestStore = std::max(latestStore, ready);
  if (i.control != Control::none)
    now = latestIssue;
  if (needed <= loadsWaited)
    return;
  ++counts.loadWaits;
  counts.loadsInFlight += loadsIssued - loadsWaited;
  counts.bytesInFlight += bytesIssued - bytesWaited;
  loadsWaited = loadsIssued;
  bytesWaited = bytesIssued;
}

void Scoreboard::complete(const Instruction &i, const AccessCost &access) {
  bool isLoad = i.counted == InstructionClass::loadGlobal;
  uint64_t ready = issuedAt + latencies.of(i.counted);
  if (isLoad) {
    ++loadsIssued;
    bytesIssued += access.fetchedSectors * Footprint::kSectorBytes;
    ready = lastLoadReady = std::max(lastLoadReady, issuedAt + latencies.of(access.level));
  } else if (i.counted == InstructionClass::loadShared) {
    ready += access.passes - 1;
  }
  for (uint32_t result = 0; result < i.destinations; ++result)
    if (i.destination[result] != kNoUnit) {
      unitReady[i.destination[result]] = ready;
      loadOf[i.destination[result]] = isLoad ? loadsIssued : 0;
    }
  for (Unit predicate : i.predicateDestination)
    if (predicate != kNoUnit)
      predicateReady[predicate] = ready;
}

} // namespace strata::sim
