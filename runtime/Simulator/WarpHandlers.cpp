// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Shuffles, votes, matches, barriers of a warp; predicates; packing: PTX ISA, "shfl.sync", "vote.sync", "match.sync",
// "activemask", "bar.warp.sync", "mov", "cvta".

#include "runtime/Simulator/WarpHandlers.h"

#include "runtime/Simulator/Lanes.h"

namespace strata::sim {

namespace {

/// All lanes of the member mask take part, and no others; false after a fault.
bool membersAreHere(WarpState &s, Unit memberMask, uint32_t mask) {
  const uint32_t *members = s.file[memberMask];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    if (members[lane] != mask) {
      s.fail(Fault::Kind::wrongMask, lane, mask, 0, members[lane]);
      return false;
    }
  }
  return true;
}

void setPredicate(WarpState &s, Unit predicate, uint32_t value, uint32_t mask) {
  if (predicate != kNoUnit)
    s.predicates[predicate] = (s.predicates[predicate] & ~mask) | (value & mask);
}

template <ShuffleMode Mode> void shuffle(WarpState &s, const Instruction &i, uint32_t mask) {
  if (!membersAreHere(s, i.source[3], mask))
    return;
  uint32_t value[32], result[32], inRange = 0;
  std::memcpy(value, s.file[i.source[0]], sizeof(value));
  const uint32_t *b = s.file[i.source[1]], *c = s.file[i.source[2]];
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<int32_t>(std::countr_zero(rest));
    auto distance = static_cast<int32_t>(b[lane] & 31), clamp = static_cast<int32_t>(c[lane] & 31),
         segment = static_cast<int32_t>(c[lane] >> 8 & 31);
    int32_t most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    int32_t from = lane;
    bool in = false;
    if constexpr (Mode == ShuffleMode::up) {
      from = lane - distance;
      in = from >= most;
    } else if constexpr (Mode == ShuffleMode::down) {
      from = lane + distance;
      in = from <= most;
    } else if constexpr (Mode == ShuffleMode::butterfly) {
      from = lane ^ distance;
      in = from <= most;
    } else {
      from = least | (distance & ~segment);
      in = from <= most;
    }
    if (!in)
      from = lane;
    if (!(mask >> from & 1))
      return s.fail(Fault::Kind::inactiveSource, static_cast<uint32_t>(lane), 0, 0, static_cast<uint32_t>(from));
    inRange |= uint32_t(in) << lane;
    result[lane] = value[from];
  }
  uint32_t *d = s.file[i.destination[0]];
  forLanes(mask, [&](uint32_t lane) { d[lane] = result[lane]; });
  setPredicate(s, i.predicateDestination[0], inRange, mask);
}

template <VoteMode Mode> void vote(WarpState &s, const Instruction &i, uint32_t mask) {
  if (!membersAreHere(s, i.source[0], mask))
    return;
  uint32_t votes = (s.predicates[i.predicateSource[0]] ^ (i.predicateSourceNegated[0] ? kAllLanes : 0)) & mask;
  if constexpr (Mode == VoteMode::ballot) {
    uint32_t *d = s.file[i.destination[0]];
    forLanes(mask, [&](uint32_t lane) { d[lane] = votes; });
  } else {
    bool result = Mode == VoteMode::all   ? votes == mask
                  : Mode == VoteMode::any ? votes != 0
                                          : votes == mask || votes == 0;
    setPredicate(s, i.predicateDestination[0], result ? kAllLanes : 0, mask);
  }
}

template <bool All, typename T> void match(WarpState &s, const Instruction &i, uint32_t mask) {
  if (!membersAreHere(s, i.source[1], mask))
    return;
  const uint32_t *a = s.file[i.source[0]];
  uint32_t result[32] = {};
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    uint32_t equal = 0;
    for (uint32_t others = mask; others; others &= others - 1) {
      auto other = static_cast<uint32_t>(std::countr_zero(others));
      equal |= uint32_t(getLane<T>(a, other) == getLane<T>(a, lane)) << other;
    }
    result[lane] = All && equal != mask ? 0 : equal;
  }
  uint32_t *d = s.file[i.destination[0]];
  uint32_t first = result[std::countr_zero(mask) & 31];
  forLanes(mask, [&](uint32_t lane) { d[lane] = result[lane]; });
  if (All)
    setPredicate(s, i.predicateDestination[0], first == mask ? kAllLanes : 0, mask);
}

void activeMask(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t *d = s.file[i.destination[0]];
  forLanes(mask, [&](uint32_t lane) { d[lane] = mask; });
}

void warpBarrier(WarpState &s, const Instruction &i, uint32_t mask) {
  if (membersAreHere(s, i.source[0], mask))
    ++s.warpBarriers;
}

void trap(WarpState &s, const Instruction &, uint32_t mask) {
  s.fail(Fault::Kind::trap, static_cast<uint32_t>(std::countr_zero(mask)));
}

template <typename T> void clock(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t *d = s.file[i.destination[0]];
  forLanes(mask, [&](uint32_t lane) { setLane<T>(d, lane, static_cast<T>(s.clock)); });
}

uint32_t predicateOf(const WarpState &s, const Instruction &i, int index) {
  if (i.predicateSource[index] == kNoUnit) // A constant: false, or true if negated.
    return i.predicateSourceNegated[index] ? kAllLanes : 0;
  return s.predicates[i.predicateSource[index]] ^ (i.predicateSourceNegated[index] ? kAllLanes : 0);
}
template <Logic L> void predicateLogic(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t a = predicateOf(s, i, 0), value = a;
  if constexpr (L == Logic::invert)
    value = ~a;
  if constexpr (L == Logic::conjunction)
    value = a & predicateOf(s, i, 1);
  if constexpr (L == Logic::disjunction)
    value = a | predicateOf(s, i, 1);
  if constexpr (L == Logic::difference)
    value = a ^ predicateOf(s, i, 1);
  setPredicate(s, i.predicateDestination[0], value, mask);
}

template <typename Whole, uint32_t PartBits> void pack(WarpState &s, const Instruction &i, uint32_t mask) {
  constexpr uint64_t kPart = (uint64_t(1) << PartBits) - 1;
  forLanes(mask, [&](uint32_t lane) {
    uint64_t whole = 0;
    for (uint32_t part = 0; part < i.sources; ++part)
      whole |= (s.file[i.source[part]][lane] & kPart) << (part * PartBits);
    setLane<Whole>(s.file[i.destination[0]], lane, static_cast<Whole>(whole));
  });
}

template <typename Whole, uint32_t PartBits> void unpack(WarpState &s, const Instruction &i, uint32_t mask) {
  constexpr uint64_t kPart = (uint64_t(1) << PartBits) - 1;
  forLanes(mask, [&](uint32_t lane) {
    uint64_t whole = getLane<Whole>(s.file[i.source[0]], lane);
    for (uint32_t part = 0; part < i.destinations; ++part)
      if (i.destination[part] != kNoUnit)
        s.file[i.destination[part]][lane] = static_cast<uint32_t>(whole >> (part * PartBits) & kPart);
  });
}

template <bool ToGeneric> void window(WarpState &s, const Instruction &i, uint32_t mask) {
  auto base = static_cast<uint64_t>(i.immediate);
  map1<uint64_t, uint64_t>(s, i, mask, [&](uint64_t a) { return ToGeneric ? a | base : a & ~base; });
}

} // namespace

Handler shuffleHandler(ShuffleMode mode) {
  switch (mode) {
  case ShuffleMode::up:
    return shuffle<ShuffleMode::up>;
  case ShuffleMode::down:
    return shuffle<ShuffleMode::down>;
  case ShuffleMode::butterfly:
    return shuffle<ShuffleMode::butterfly>;
  case ShuffleMode::index:
    return shuffle<ShuffleMode::index>;
  }
  return nullptr;
}

Handler voteHandler(VoteMode mode) {
  switch (mode) {
  case VoteMode::all:
    return vote<VoteMode::all>;
  case VoteMode::any:
    return vote<VoteMode::any>;
  case VoteMode::uniform:
    return vote<VoteMode::uniform>;
  case VoteMode::ballot:
    return vote<VoteMode::ballot>;
  }
  return nullptr;
}

Handler matchHandler(bool all, bool wide) {
  if (all)
    return wide ? match<true, uint64_t> : match<true, uint32_t>;
  return wide ? match<false, uint64_t> : match<false, uint32_t>;
}

Handler activeMaskHandler() {
  return activeMask;
}

Handler warpBarrierHandler() {
  return warpBarrier;
}

Handler trapHandler() {
  return trap;
}

Handler clockHandler(bool wide) {
  return wide ? clock<uint64_t> : clock<uint32_t>;
}

Handler predicateHandler(Logic logic) {
  switch (logic) {
  case Logic::move:
    return predicateLogic<Logic::move>;
  case Logic::invert:
    return predicateLogic<Logic::invert>;
  case Logic::conjunction:
    return predicateLogic<Logic::conjunction>;
  case Logic::disjunction:
    return predicateLogic<Logic::disjunction>;
  case Logic::difference:
    return predicateLogic<Logic::difference>;
  }
  return nullptr;
}

Handler packHandler(uint32_t partBits, bool wide) {
  switch (partBits) {
  case 8:
    return wide ? pack<uint64_t, 8> : pack<uint32_t, 8>;
  case 16:
    return wide ? pack<uint64_t, 16> : pack<uint32_t, 16>;
  case 32:
    return wide ? pack<uint64_t, 32> : nullptr;
  default:
    return nullptr;
  }
}

Handler unpackHandler(uint32_t partBits, bool wide) {
  switch (partBits) {
  case 8:
    return wide ? unpack<uint64_t, 8> : unpack<uint32_t, 8>;
  case 16:
    return wide ? unpack<uint64_t, 16> : unpack<uint32_t, 16>;
  case 32:
    return wide ? unpack<uint64_t, 32> : nullptr;
  default:
    return nullptr;
  }
}

Handler windowHandler(bool toGeneric) {
  return toGeneric ? window<true> : window<false>;
}

} // namespace strata::sim
