// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Warp.h"

#include "runtime/Simulator/Lanes.h"

#include <algorithm>

namespace strata::sim {

Warp::Warp(const Program &decoded) : program(decoded), scoreboard(decoded, voltaLatencies()) {
  registers.resize(size_t(program.units) * 32 + 16);
  auto address = reinterpret_cast<uintptr_t>(registers.data());
  state.file = reinterpret_cast<uint32_t (*)[32]>((address + 63) / 64 * 64);
  written.resize(program.units);
  predicates.resize(program.predicates);
  predicatesWritten.resize(program.predicates);
  local.resize(program.localBytes * 32);
  issued.resize(program.instructions.size());
  lanes.resize(program.instructions.size());
  state.written = written.data();
  state.predicates = predicates.data();
  state.local = local.data();
  state.localBytes = program.localBytes;
  for (const Program::Constant &constant : program.constants)
    for (uint32_t lane = 0; lane < 32; ++lane) {
      if (constant.wide)
        setLane<uint64_t>(state.file[constant.unit], lane, constant.bits);
      else
        state.file[constant.unit][lane] = static_cast<uint32_t>(constant.bits);
    }
}

/// The value of a special register in one lane; `thread` is its number in the CTA.
static uint32_t specialValue(const std::string &name, const CtaPlace &place, uint32_t thread) {
  uint32_t lane = thread % 32, bit = uint32_t(1) << lane;
  auto axis = [&](const std::array<uint32_t, 3> &numbers) { return numbers[static_cast<size_t>(name.back() - 'x')]; };
  if (name.starts_with("%tid."))
    return name.back() == 'x'   ? thread % place.block[0]
           : name.back() == 'y' ? thread / place.block[0] % place.block[1]
                                : thread / place.block[0] / place.block[1];
  if (name.starts_with("%ntid."))
    return axis(place.block);
  if (name.starts_with("%ctaid."))
    return axis(place.cta);
  if (name.starts_with("%nctaid."))
    return axis(place.grid);
  if (name == "%laneid")
    return lane;
  if (name == "%warpid")
    return thread / 32;
  if (name == "%nwarpid")
    return 64;
  if (name == "%smid") // As if CTAs were dealt to the 80 multiprocessors of a V100 in turn.
    return place.number % 80;
  if (name == "%nsmid")
    return 80;
  if (name == "%lanemask_eq")
    return bit;
  if (name == "%lanemask_lt")
    return bit - 1;
  if (name == "%lanemask_le")
    return bit | (bit - 1);
  if (name == "%lanemask_gt")
    return ~(bit | (bit - 1));
  if (name == "%lanemask_ge")
    return ~(bit - 1);
  return place.dynamicSharedBytes;
}

void Warp::start(const CtaPlace &place, uint32_t warpNumber, uint64_t scheduleSeed) {
  uint32_t threads = place.block[0] * place.block[1] * place.block[2];
  uint32_t first = warpNumber * 32, count = std::min(threads - first, 32u);
  live = count == 32 ? kAllLanes : (uint32_t(1) << count) - 1;
  std::fill(written.begin(), written.end(), 0);
  std::fill(predicatesWritten.begin(), predicatesWritten.end(), 0);
  scoreboard.start();
  for (const Program::Constant &constant : program.constants)
    written[constant.unit] = kAllLanes;
  for (const SpecialRegister &special : program.specials) {
    written[special.unit] = kAllLanes;
    for (uint32_t lane = 0; lane < 32; ++lane)
      state.file[special.unit][lane] = specialValue(special.name, place, first + lane);
  }
  stack.assign(1, {0, live, static_cast<uint32_t>(program.instructions.size())});
  state.firstThread = first;
  state.ctaBarriers = state.warpBarriers = 0;
  state.carry = 0;
  state.fault = Fault();
  schedule = scheduleSeed;
  status = Status::running;
  unwrittenRead = false;
}

uint32_t Warp::predicateMask(const Instruction &i) const {
  if (i.predicate == kNoUnit)
    return kAllLanes;
  return predicates[i.predicate] ^ (i.predicateNegated ? kAllLanes : 0);
}

bool Warp::operandsAreWritten(const Instruction &i, uint32_t mask) {
  uint32_t all = kAllLanes;
  for (uint32_t source = 0; source < i.sources; ++source)
    all &= written[i.source[source]];
  for (Unit predicate : i.predicateSource)
    if (predicate != kNoUnit)
      all &= predicatesWritten[predicate];
  if ((mask & ~all) == 0)
    return true;
  state.fail(Fault::Kind::none, 0);
  state.fault.lane = static_cast<uint32_t>(std::countr_zero(mask & ~all));
  unwrittenRead = true;
  return false;
}

void Warp::markResults(const Instruction &i, uint32_t mask) {
  for (uint32_t result = 0; result < i.destinations; ++result)
    if (i.destination[result] != kNoUnit)
      written[i.destination[result]] |= mask;
  for (Unit predicate : i.predicateDestination)
    if (predicate != kNoUnit)
      predicatesWritten[predicate] |= mask;
}

void Warp::exitLanes(uint32_t mask) {
  live &= ~mask;
  stack.back().mask &= ~mask;
}

/// Drops groups that have reached their join, or have no lanes left.
void Warp::settle() {
  while (!stack.empty() && (stack.back().at == stack.back().join || (stack.back().mask & live) == 0))
    stack.pop_back();
  if (stack.empty())
    status = Status::done;
  else
    stack.back().mask &= live;
}

void Warp::branch(const Instruction &i, uint32_t taken) {
  Group &top = stack.back();
  uint32_t fallThrough = top.mask & ~taken;
  if (fallThrough == 0 || taken == 0) {
    top.at = taken ? i.target : top.at + 1;
    return;
  }
  uint32_t next = top.at + 1;
  // The group waits at the join for its two parts, unless it would leave there at once.
  if (i.join == top.join)
    stack.pop_back();
  else
    top.at = i.join;
  Group there{i.target, taken, i.join}, here{next, fallThrough, i.join};
  // Which side runs first is up to the seed.
  schedule = schedule * 6364136223846793005u + 1442695040888963407u;
  bool hereFirst = state.checks.shuffleOrder && (schedule >> 60 & 1);
  if (hereFirst)
    std::swap(there, here);
  for (const Group &group : {here, there})
    if (group.at != group.join)
      stack.push_back(group);
}

Warp::Status Warp::fail(uint32_t instruction) {
  faultInstruction = instruction;
  return status = Status::failed;
}

Warp::Status Warp::run(uint64_t &instructionsLeft) {
  const Instruction *instructions = program.instructions.data();
  while (status == Status::running) {
    settle();
    if (status != Status::running)
      break;
    uint32_t at = stack.back().at;
    const Instruction &i = instructions[at];
    if (instructionsLeft-- == 0)
      return fail(at);
    ++state.clock;
    uint32_t group = stack.back().mask;
    uint32_t mask = group & predicateMask(i);
    if (state.checks.unwritten) {
      if (i.predicate != kNoUnit && (group & ~predicatesWritten[i.predicate])) {
        state.fault.lane = static_cast<uint32_t>(std::countr_zero(group & ~predicatesWritten[i.predicate]));
        unwrittenRead = true;
        return fail(at);
      }
      if (!operandsAreWritten(i, mask))
        return fail(at);
    }
    ++issued[at];
    lanes[at] += static_cast<uint64_t>(std::popcount(mask));
    if (state.checks.count)
      scoreboard.issue(i, *state.counts);
    if (i.control == Control::none) {
      stack.back().at = at + 1;
      if (mask == 0)
        continue;
      i.run(state, i, mask);
      if (state.fault.kind != Fault::Kind::none)
        return fail(at);
      if (state.checks.count)
        scoreboard.complete(i, state.access);
      markResults(i, mask);
    } else if (i.control == Control::branch) {
      branch(i, mask);
    } else if (i.control == Control::exit) {
      stack.back().at = at + 1;
      exitLanes(mask);
    } else {
      if (mask != live) {
        state.fail(Fault::Kind::divergent, static_cast<uint32_t>(std::countr_zero(live & ~mask)));
        return fail(at);
      }
      stack.back().at = at + 1;
      ++state.counts->barriers;
      status = Status::atBarrier;
    }
  }
  return status;
}

} // namespace strata::sim
