// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reads of bytes in memory that go wrong in every way that disks do, the same for the same seed.
#pragma once

#include "runtime/Memory/Reads/Reads.h"

#include <random>
#include <vector>

namespace strata {

/// What goes wrong, in reads of a thousand each.
struct SimulatedFaults {
  uint32_t shortReads = 0;
  uint32_t interruptions = 0; ///< EINTR and EAGAIN.
  uint32_t errors = 0;        ///< EIO.
  uint32_t corruptions = 0;   ///< One bit of what is read, this time.
  uint32_t slow = 0;          ///< A read that takes a second.
  uint32_t never = 0;         ///< A read that does not come back.
};

/// A range of a file that is always wrong.
struct BadRange {
  enum class Kind { Error, ErrorUnlessThroughCache, Corrupt } kind = Kind::Error;
  uint32_t file = 0;
  uint64_t offset = 0, bytes = 0;
};

class SimulatedReads : public Reads {
public:
  SimulatedReads(std::vector<std::vector<std::byte>> fileContents, uint64_t seed, const SimulatedFaults &withFaults,
                 size_t most = 4096);

  void submit(const ReadRequest &request) override;
  size_t wait(std::span<ReadCompletion> to, Duration timeout) override;
  Duration now() const override { return clock; }
  size_t capacity() const override { return most; }
  std::string description() const override { return "simulated"; }

  /// What a test changes between steps.
  std::vector<std::vector<std::byte>> contents;
  SimulatedFaults faults;
  std::vector<BadRange> badRanges;
  /// What happened.
  uint64_t submitted = 0, corrupted = 0, neverReturned = 0;
  /// Ends the reads that did not come back.
  void returnLost();
  void passTime(Duration time) { clock += time; }

private:
  struct Pending {
    ReadRequest request;
    Duration due = {};
    bool lost = false;
  };
  bool happens(uint32_t perThousand);
  int64_t perform(const ReadRequest &request);
  bool isBad(const ReadRequest &request, BadRange::Kind kind) const;

  std::mt19937_64 random;
  Duration clock = {};
  size_t most;
  std::vector<Pending> pending;
};

} // namespace strata
