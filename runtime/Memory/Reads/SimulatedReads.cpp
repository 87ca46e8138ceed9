// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/Reads/SimulatedReads.h"

#include "runtime/Weights/Checksums.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace strata {

SimulatedReads::SimulatedReads(std::vector<std::vector<std::byte>> fileContents, uint64_t seed,
                               const SimulatedFaults &withFaults, size_t atMost)
    : contents(std::move(fileContents)), faults(withFaults), random(seed), most(atMost) {
  pending.reserve(most);
}

bool SimulatedReads::happens(uint32_t perThousand) {
  return random() % 1000 < perThousand;
}

void SimulatedReads::submit(const ReadRequest &request) {
  ++submitted;
  // Different delays are what reorders.
  Duration delay = std::chrono::microseconds(100 + random() % 10'000);
  if (happens(faults.slow))
    delay += std::chrono::seconds(1);
  bool lost = happens(faults.never);
  neverReturned += lost ? 1 : 0;
  pending.push_back({request, clock + delay, lost});
}

void SimulatedReads::returnLost() {
  for (Pending &read : pending)
    read.lost = false;
}

bool SimulatedReads::isBad(const ReadRequest &request, BadRange::Kind kind) const {
  return std::any_of(badRanges.begin(), badRanges.end(), [&](const BadRange &range) {
    return range.kind == kind && range.file == request.file && range.offset < request.offset + request.to.size() &&
           request.offset < range.offset + range.bytes;
  });
}

int64_t SimulatedReads::perform(const ReadRequest &request) {
  if (happens(faults.interruptions))
    return random() % 2 == 0 ? -EINTR : -EAGAIN;
  if (happens(faults.errors) || isBad(request, BadRange::Kind::Error) ||
      (isBad(request, BadRange::Kind::ErrorUnlessThroughCache) && !request.throughCache))
    return -EIO;
  const std::vector<std::byte> &file = contents[request.file];
  if (request.offset >= file.size())
    return 0;
  size_t bytes = std::min<size_t>(request.to.size(), file.size() - request.offset);
  if (happens(faults.shortReads))
    bytes = 1 + random() % bytes;
  std::memcpy(request.to.data(), file.data() + request.offset, bytes);
  for (const BadRange &range : badRanges)
    if (range.kind == BadRange::Kind::Corrupt && range.file == request.file && range.offset >= request.offset &&
        range.offset < request.offset + bytes)
      request.to[range.offset - request.offset] ^= std::byte{1};
  if (happens(faults.corruptions)) {
    ++corrupted;
    request.to[random() % bytes] ^= std::byte{static_cast<uint8_t>(1u << (random() % 8))};
  }
  return static_cast<int64_t>(bytes);
}

size_t SimulatedReads::wait(std::span<ReadCompletion> to, Duration timeout) {
  auto earlier = [](const Pending &a, const Pending &b) { return std::pair(a.lost, a.due) < std::pair(b.lost, b.due); };
  auto first = std::min_element(pending.begin(), pending.end(), earlier);
  if (first == pending.end() || first->lost || first->due > clock + timeout) {
    clock += timeout;
    return 0;
  }
  clock = std::max(clock, first->due);
  size_t count = 0;
  for (size_t i = 0; i < pending.size() && count < to.size();) {
    if (pending[i].lost || pending[i].due > clock) {
      ++i;
      continue;
    }
    const ReadRequest &request = pending[i].request;
    ReadCompletion completion = {request.tag, perform(request), 0, false};
    // Back ends differ in whether they hash.
    if (random() % 2 == 0 && completion.result >= static_cast<int64_t>(request.hashedFrom + request.hashedBytes)) {
      completion.hash = checksumOf(request.to.subspan(request.hashedFrom, request.hashedBytes));
      completion.hashed = true;
    }
    to[count++] = completion;
    pending[i] = pending.back();
    pending.pop_back();
  }
  return count;
}

} // namespace strata
