// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Loads, stores and atomics, with their checks and counts: PTX ISA, "Data Movement and Conversion Instructions",
// "Parallel Synchronization and Communication Instructions".

#include "runtime/Simulator/MemoryHandlers.h"

#include "runtime/Simulator/Lanes.h"

#include <algorithm>

namespace strata::sim {

namespace {

enum class Direction : uint8_t { load, store, atomic };

/// One access of a warp: resolves the address of each lane, checks it, and counts at the end.
class WarpAccess {
public:
  WarpAccess(WarpState &warpState, const Instruction &memoryInstruction, Direction accessDirection)
      : s(warpState), i(memoryInstruction), direction(accessDirection) {
    s.access = AccessCost();
  }

  /// The bytes of a lane; null after a fault.
  std::byte *at(uint32_t lane) {
    const uint32_t *base = s.file[i.source[0]];
    uint64_t address = (i.option & kNarrowBase ? uint64_t(base[lane]) : getLane<uint64_t>(base, lane)) +
                       static_cast<uint64_t>(i.immediate);
    Space space = i.space;
    if (space == Space::generic) {
      uint64_t window = address & kWindowMask;
      space = window == kSharedWindow ? Space::shared : window == kLocalWindow ? Space::local : Space::global;
      if (space != Space::global)
        address &= ~kWindowMask;
    }
    addresses[lanes++] = address;
    lastSpace = space;
    if (address % i.accessBytes != 0)
      return fail(Fault::Kind::misaligned, lane, address);
    if (space == Space::shared)
      return atShared(lane, address);
    if (space == Space::local)
      return atLocal(lane, address);
    return atGlobal(lane, address);
  }

  void count() const {
    if (!s.checks.count || lanes == 0)
      return;
    if (lastSpace == Space::shared)
      countShared();
    else if (lastSpace != Space::local)
      countGlobal();
  }

private:
  std::byte *fail(Fault::Kind kind, uint32_t lane, uint64_t address, uint32_t other = 0) {
    s.fail(kind, lane, address, i.accessBytes, other);
    return nullptr;
  }

  std::byte *atGlobal(uint32_t lane, uint64_t address) {
    Allocation *allocation = s.global->find(address);
    if (!allocation || !allocation->holds(address, i.accessBytes))
      return fail(Fault::Kind::unallocated, lane, address);
    if (direction != Direction::store && s.checks.unwritten && !allocation->isWritten(address, i.accessBytes))
      return fail(Fault::Kind::unwrittenGlobal, lane, address);
    if (direction != Direction::load) {
      if (allocation->readOnly)
        return fail(Fault::Kind::readOnly, lane, address);
      allocation->markWritten(address, i.accessBytes);
    }
    return reinterpret_cast<std::byte *>(address);
  }

  std::byte *atShared(uint32_t lane, uint64_t address) {
    SharedMemory &shared = *s.shared;
    if (address > shared.size() || i.accessBytes > shared.size() - address)
      return fail(Fault::Kind::outOfShared, lane, address);
    if (s.checks.unwritten) {
      if (direction != Direction::store && !shared.isWritten(address, i.accessBytes))
        return fail(Fault::Kind::unwrittenShared, lane, address);
      if (direction != Direction::load)
        shared.markWritten(address, i.accessBytes);
    }
    if (s.checks.races) {
      auto access = direction == Direction::load    ? SharedMemory::Access::read
                    : direction == Direction::store ? SharedMemory::Access::write
                                                    : SharedMemory::Access::atomic;
      uint32_t other =
          shared.touch(address, i.accessBytes, access, {s.firstThread + lane, s.ctaBarriers, s.warpBarriers});
      if (other != SharedMemory::kNoThread)
        return fail(Fault::Kind::race, lane, address, other);
    }
    return shared.at(address);
  }

  std::byte *atLocal(uint32_t lane, uint64_t address) {
    if (address > s.localBytes || i.accessBytes > s.localBytes - address)
      return fail(Fault::Kind::outOfLocal, lane, address);
    return s.local + lane * s.localBytes + address;
  }

  void countGlobal() const {
    Counts &counts = *s.counts;
    ++counts.globalRequests;
    (direction == Direction::load ? counts.globalBytesRead : counts.globalBytesWritten) +=
        uint64_t(lanes) * i.accessBytes;
    // An access has at most 16 bytes and is aligned: it lies in one sector of 32.
    uint64_t sectors[32];
    for (uint32_t lane = 0; lane < lanes; ++lane)
      sectors[lane] = addresses[lane] / Footprint::kSectorBytes;
    uint32_t count = distinct(sectors, lanes);
    counts.globalSectors += count;
    AccessCost &access = s.access;
    for (uint32_t sector = 0; sector < count; ++sector) {
      counts.globalLines += sector == 0 || sectors[sector] / 4 != sectors[sector - 1] / 4;
      if (direction != Direction::load) {
        s.footprint->store(sectors[sector]);
        continue;
      }
      MemoryLevel level = s.footprint->load(sectors[sector]);
      access.level = std::max(access.level, level);
      access.fetchedSectors += level != MemoryLevel::l1;
    }
    counts.fetchedSectors += access.fetchedSectors;
    counts.storedSectors += direction == Direction::load ? 0 : count;
  }

  /// Lanes go through the 32 banks of 4 bytes in groups that ask for up to 128 bytes; of a bank's words each pass takes
  /// one.
  void countShared() const {
    Counts &counts = *s.counts;
    ++counts.sharedRequests;
    counts.sharedBytes += uint64_t(lanes) * i.accessBytes;
    uint32_t group = std::clamp<uint32_t>(128 / i.accessBytes, 8, 32);
    uint32_t all = 0;
    for (uint32_t first = 0; first < lanes; first += group)
      all += passes(first, std::min(first + group, lanes));
    counts.sharedPasses += all;
    s.access.passes = all;
  }
  uint32_t passes(uint32_t first, uint32_t end) const {
    uint64_t words[32 * 4];
    uint32_t count = 0;
    for (uint32_t lane = first; lane < end; ++lane)
      for (uint64_t word = addresses[lane] / 4; word * 4 < addresses[lane] + i.accessBytes && count < 128; ++word)
        words[count++] = word;
    count = distinct(words, count);
    uint32_t perBank[32] = {}, most = 1;
    for (uint32_t word = 0; word < count; ++word)
      most = std::max(most, ++perBank[words[word] % 32]);
    return most;
  }

  /// Sorts, and moves the different ones to the front.
  static uint32_t distinct(uint64_t *values, uint32_t count) {
    if (!std::is_sorted(values, values + count))
      std::sort(values, values + count);
    return static_cast<uint32_t>(std::unique(values, values + count) - values);
  }

  WarpState &s;
  const Instruction &i;
  Direction direction;
  uint64_t addresses[32];
  uint32_t lanes = 0;
  Space lastSpace = Space::global;
};

/// The lane's value as its register has it: narrow numbers extended, by their sign if they have one.
template <typename T> void setElement(uint32_t *unit, uint32_t lane, const std::byte *from, bool wide) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if (wide)
    return setLane<uint64_t>(unit, lane, static_cast<uint64_t>(static_cast<int64_t>(value)));
  if constexpr (sizeof(T) < 4)
    unit[lane] = static_cast<uint32_t>(static_cast<int32_t>(value));
  else
    setLane<T>(unit, lane, value);
}

template <typename T> void load(WarpState &s, const Instruction &i, uint32_t mask) {
  WarpAccess access(s, i, Direction::load);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    const std::byte *from = access.at(lane);
    if (!from)
      return;
    for (uint32_t e = 0; e < i.destinations; ++e)
      if (i.destination[e] != kNoUnit)
        setElement<T>(s.file[i.destination[e]], lane, from + e * sizeof(T), i.option & kWideElements);
  }
  access.count();
}

template <typename T> void store(WarpState &s, const Instruction &i, uint32_t mask) {
  WarpAccess access(s, i, Direction::store);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    std::byte *to = access.at(lane);
    if (!to)
      return;
    for (uint32_t e = 1; e < i.sources; ++e) {
      const uint32_t *unit = s.file[i.source[e]];
      T value = i.option & kWideElements ? static_cast<T>(getLane<uint64_t>(unit, lane)) : getLane<T>(unit, lane);
      std::memcpy(to + (e - 1) * sizeof(T), &value, sizeof(T));
    }
  }
  access.count();
}

template <typename T> void loadParameter(WarpState &s, const Instruction &i, uint32_t mask) {
  forLanes(mask, [&](uint32_t lane) {
    for (uint32_t e = 0; e < i.destinations; ++e)
      setElement<T>(s.file[i.destination[e]], lane, s.parameters + i.immediate + e * sizeof(T),
                    i.option & kWideElements);
  });
}

template <typename T> T combine(AtomicOperation operation, T old, T operand, T swap) {
  auto logic = [&](auto f) {
    if constexpr (std::is_floating_point_v<T>)
      return old;
    else
      return static_cast<T>(f(old, operand));
  };
  switch (operation) {
  case AtomicOperation::add:
    if constexpr (std::is_floating_point_v<T>)
      return old + operand;
    else
      return static_cast<T>(static_cast<Bits<T>>(old) + static_cast<Bits<T>>(operand));
  case AtomicOperation::min:
    return operand < old ? operand : old;
  case AtomicOperation::max:
    return old < operand ? operand : old;
  case AtomicOperation::bitAnd:
    return logic([](auto a, auto b) { return a & b; });
  case AtomicOperation::bitOr:
    return logic([](auto a, auto b) { return a | b; });
  case AtomicOperation::bitXor:
    return logic([](auto a, auto b) { return a ^ b; });
  case AtomicOperation::exchange:
    return operand;
  case AtomicOperation::compareAndSwap:
    return old == operand ? swap : old;
  case AtomicOperation::increment:
    return old >= operand ? T(0) : static_cast<T>(old + T(1));
  case AtomicOperation::decrement:
    return old == T(0) || old > operand ? operand : static_cast<T>(old - T(1));
  }
  return old;
}

template <AtomicOperation O, typename T> void atomic(WarpState &s, const Instruction &i, uint32_t mask) {
  WarpAccess access(s, i, Direction::atomic);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    std::byte *to = access.at(lane);
    if (!to)
      return;
    T old;
    std::memcpy(&old, to, sizeof(T));
    T operand = getLane<T>(s.file[i.source[1]], lane);
    T swap = O == AtomicOperation::compareAndSwap ? getLane<T>(s.file[i.source[2]], lane) : T();
    T value = combine<T>(O, old, operand, swap);
    std::memcpy(to, &value, sizeof(T));
    if (i.destinations)
      setLane<T>(s.file[i.destination[0]], lane, old);
  }
  access.count();
}

template <typename T> Handler atomicOfType(AtomicOperation operation) {
  switch (operation) {
  case AtomicOperation::add:
    return atomic<AtomicOperation::add, T>;
  case AtomicOperation::min:
    return atomic<AtomicOperation::min, T>;
  case AtomicOperation::max:
    return atomic<AtomicOperation::max, T>;
  case AtomicOperation::bitAnd:
    return atomic<AtomicOperation::bitAnd, T>;
  case AtomicOperation::bitOr:
    return atomic<AtomicOperation::bitOr, T>;
  case AtomicOperation::bitXor:
    return atomic<AtomicOperation::bitXor, T>;
  case AtomicOperation::exchange:
    return atomic<AtomicOperation::exchange, T>;
  case AtomicOperation::compareAndSwap:
    return atomic<AtomicOperation::compareAndSwap, T>;
  case AtomicOperation::increment:
    return atomic<AtomicOperation::increment, T>;
  case AtomicOperation::decrement:
    return atomic<AtomicOperation::decrement, T>;
  }
  return nullptr;
}

/// `make` of a value of the C++ type that an element has in memory.
template <typename Make> Handler byType(Type element, Make make) {
  switch (element) {
  case Type::u8:
  case Type::b8:
    return make(uint8_t());
  case Type::s8:
    return make(int8_t());
  case Type::u16:
  case Type::b16:
  case Type::f16:
    return make(uint16_t());
  case Type::s16:
    return make(int16_t());
  case Type::s32:
    return make(int32_t());
  case Type::u32:
  case Type::b32:
  case Type::f32:
  case Type::f16x2:
    return make(uint32_t());
  case Type::u64:
  case Type::b64:
  case Type::s64:
  case Type::f64:
    return make(uint64_t());
  case Type::pred:
    break;
  }
  return nullptr;
}

} // namespace

Handler loadHandler(Type element) {
  return byType(element, []<typename T>(T) -> Handler { return load<T>; });
}

Handler storeHandler(Type element) {
  return byType(element, []<typename T>(T) -> Handler { return store<T>; });
}

Handler parameterHandler(Type element) {
  return byType(element, []<typename T>(T) -> Handler { return loadParameter<T>; });
}

Handler atomicHandler(AtomicOperation operation, Type element) {
  switch (element) {
  case Type::u32:
  case Type::b32:
    return atomicOfType<uint32_t>(operation);
  case Type::s32:
    return atomicOfType<int32_t>(operation);
  case Type::u64:
  case Type::b64:
    return atomicOfType<uint64_t>(operation);
  case Type::s64:
    return atomicOfType<int64_t>(operation);
  case Type::f32:
    return operation == AtomicOperation::add ? Handler(atomic<AtomicOperation::add, float>) : nullptr;
  default:
    return nullptr;
  }
}

} // namespace strata::sim
