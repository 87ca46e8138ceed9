// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which cached expert makes room for another.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Sees every use of a cache's slots. Results never depend on it, only what is read again.
class CachePolicy {
public:
  virtual ~CachePolicy() = default;
  /// Before all others: slots are numbered below `slots`. Nothing is allocated afterwards.
  virtual void prepare(uint32_t slots) = 0;
  /// The expert in the slot is used; `isNew` if it was just placed there. `key` is the expert's number in the model.
  virtual void used(uint32_t slot, uint32_t key, bool isNew) = 0;
  /// One of the slots whose flag is set, of which there is at least one.
  virtual uint32_t chooseVictim(std::span<const uint8_t> evictable) const = 0;
};

/// The least recently used.
class LruPolicy : public CachePolicy {
public:
  void prepare(uint32_t slots) override { lastUse.assign(slots, 0); }
  void used(uint32_t slot, uint32_t, bool) override { lastUse[slot] = ++clock; }
  uint32_t chooseVictim(std::span<const uint8_t> evictable) const override;

private:
  std::vector<uint64_t> lastUse;
  uint64_t clock = 0;
};

} // namespace strata
