// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A slab's way from the disk into its slot: what is asked, what comes, how it is checked, and what is tried when it
// fails.
#include "runtime/Base/Checked.h"
#include "runtime/Memory/ExpertStore.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace strata {

std::byte *ExpertStore::buffer(uint32_t slot, uint32_t matrix) const {
  std::byte *start = slotTable[slot].bytes;
  const ExpertLayer &layer = catalogue.layers()[slotTable[slot].layer];
  for (uint32_t before = 0; before < matrix; ++before)
    start += slabBufferBytes(layer.matrices[before].slabBytes).value();
  return start;
}

void ExpertStore::begin(uint32_t slot) {
  for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
    const SlabTable &slabs = catalogue.table[slotTable[slot].layer].matrices[matrix];
    uint64_t offset = slabs.offset + slotTable[slot].expert * slabs.slabBytes;
    Transfer transfer;
    transfer.fileOffset = offset / kReadAlignment * kReadAlignment;
    transfer.skew = offset - transfer.fileOffset;
    transfer.bytes = slabs.slabBytes;
    transfer.asked = Checked(transfer.skew + transfer.bytes).alignUp(kReadAlignment).value();
    transfer.begun = reads.now();
    slotTable[slot].transfers[matrix] = transfer;
    submit(slot, matrix);
  }
}

void ExpertStore::submit(uint32_t slot, uint32_t matrix) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  const SlabTable &slabs = catalogue.table[slotTable[slot].layer].matrices[matrix];
  ReadRequest request;
  request.tag = uint64_t(slot) * kExpertMatrices + matrix;
  request.file = slabs.file;
  request.offset = transfer.fileOffset + transfer.done;
  request.to = {buffer(slot, matrix) + transfer.done, transfer.asked - transfer.done};
  request.throughCache = transfer.throughCache;
  if (transfer.done == 0 && !slabs.checksums.empty()) {
    request.hashedFrom = transfer.skew;
    request.hashedBytes = transfer.bytes;
  }
  transfer.underway = true;
  if (underway++ == 0)
    countedUntil = reads.now();
  reads.submit(request);
}

void ExpertStore::collect(Reads::Duration timeout) {
  bool wasReading = underway != 0;
  for (;;) {
    size_t count = underway == 0 ? 0 : reads.wait(arrived, timeout);
    for (size_t i = 0; i < count; ++i)
      complete(arrived[i]);
    if (count < arrived.size())
      break;
    timeout = {};
  }
  if (wasReading) {
    Reads::Duration now = reads.now();
    counts.reading += now - countedUntil;
    countedUntil = now;
  }
  expire();
}

void ExpertStore::complete(const ReadCompletion &completion) {
  auto slot = static_cast<uint32_t>(completion.tag / kExpertMatrices);
  auto matrix = static_cast<uint32_t>(completion.tag % kExpertMatrices);
  slotTable[slot].transfers[matrix].underway = false;
  --underway;
  // Nobody waits any more for what has failed or timed out.
  if (slotTable[slot].state == State::Reading)
    advance(slot, matrix, completion);
}

void ExpertStore::advance(uint32_t slot, uint32_t matrix, const ReadCompletion &completion) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  constexpr uint32_t kMostInterruptions = 100;
  if (completion.result == -EINTR || completion.result == -EAGAIN) {
    ++counts.retries;
    if (++transfer.interruptions > kMostInterruptions)
      return retryFailed(slot, matrix, static_cast<int>(-completion.result));
    return submit(slot, matrix);
  }
  if (completion.result < 0)
    return retryFailed(slot, matrix, static_cast<int>(-completion.result));
  auto got = std::min(static_cast<uint64_t>(completion.result), transfer.asked - transfer.done);
  counts.bytesRead += got;
  uint64_t needed = transfer.skew + transfer.bytes;
  if (transfer.done + got >= needed)
    return check(slot, matrix, completion);
  if (got == 0)
    return failSlot(slot, matrix, ExitCode::Input, "F06", transfer.fileOffset + transfer.done,
                    "the file ends inside it: it shrank while in use; restore the file and start again");
  // Direct reads go on at a page.
  uint64_t whole = got / kReadAlignment * kReadAlignment;
  if (whole == 0 && ++transfer.interruptions > kMostInterruptions)
    return failSlot(slot, matrix, ExitCode::Input, "F06", transfer.fileOffset + transfer.done,
                    "the file ends inside it: it shrank while in use; restore the file and start again");
  transfer.done += whole;
  ++counts.retries;
  submit(slot, matrix);
}

/// A whole slab: nobody has seen it before its checksum is right.
void ExpertStore::check(uint32_t slot, uint32_t matrix, const ReadCompletion &completion) {
  Slot &at = slotTable[slot];
  Transfer &transfer = at.transfers[matrix];
  const SlabTable &slabs = catalogue.table[at.layer].matrices[matrix];
  if (!slabs.checksums.empty()) {
    uint64_t expected = slabs.checksums[at.expert];
    bool hashed = completion.hashed && transfer.done == 0;
    uint64_t found = hashed ? completion.hash : checksumOf({buffer(slot, matrix) + transfer.skew, transfer.bytes});
    if (found != expected) {
      ++counts.damagedReads;
      if (transfer.reread)
        return failSlot(slot, matrix, ExitCode::Input, "F05", transfer.fileOffset + transfer.skew,
                        fmt::format("its data is damaged: the checksum is {:016x} and was {:016x}, twice; check the "
                                    "disk and get the file again",
                                    found, expected));
      transfer.reread = true;
      transfer.done = 0;
      return submit(slot, matrix);
    }
  }
  Reads::Duration taken = reads.now() - transfer.begun;
  constexpr int kSlow = 10;
  if (finishedReads >= 16 && taken > kSlow * (readTime / static_cast<int64_t>(finishedReads)))
    ++counts.slowReads;
  readTime += taken;
  ++finishedReads;
  transfer.complete = true;
  if (std::all_of(at.transfers.begin(), at.transfers.end(), [](const Transfer &one) { return one.complete; }))
    at.state = State::Ready;
}

/// Three attempts, then one through the page cache, which is another way to the same bytes.
void ExpertStore::retryFailed(uint32_t slot, uint32_t matrix, int number) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  constexpr uint32_t kAttempts = 3;
  if (++transfer.failures > kAttempts)
    return failSlot(slot, matrix, ExitCode::Machine, "F02", transfer.fileOffset + transfer.done,
                    fmt::format("the disk fails to read it ({}), {} times; check the disk", gguf::errorText(number),
                                transfer.failures));
  transfer.throughCache = transfer.failures == kAttempts;
  ++counts.retries;
  submit(slot, matrix);
}

/// F09: reads that take too long fail; their buffer is used again when the disk has let go of it.
void ExpertStore::expire() {
  if (underway == 0)
    return;
  Reads::Duration now = reads.now();
  for (uint32_t slot = 0; slot < slots(); ++slot)
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
      const Transfer &transfer = slotTable[slot].transfers[matrix];
      if (slotTable[slot].state != State::Reading || !transfer.underway || now - transfer.begun < options.readTimeout)
        continue;
      ++counts.timeouts;
      failSlot(slot, matrix, ExitCode::Machine, "F09", transfer.fileOffset + transfer.skew,
               fmt::format("the disk has not read it for {:.1f} s; check the disk, or raise --read-timeout",
                           std::chrono::duration<double>(now - transfer.begun).count()));
    }
}

void ExpertStore::failSlot(uint32_t slot, uint32_t matrix, ExitCode code, std::string_view id, uint64_t at,
                           std::string_view what) {
  Slot &failed = slotTable[slot];
  const SlabTable &slabs = catalogue.table[failed.layer].matrices[matrix];
  std::string file = slabs.file < options.files.size() ? escapeName(gguf::baseName(options.files[slabs.file]))
                                                       : fmt::format("file {}", slabs.file + 1);
  failed.error =
      Error{code, std::string(id),
            fmt::format("{}, byte {}: {}: {}", file, at, describePiece(slabs.tensor, true, failed.expert), what)};
  failed.state = State::Failed;
  if (id == "F02" || id == "F05") {
    ++counts.quarantined;
    quarantine.add(keyOf(failed), failed.error, reads.now());
  }
  // The next want reads it anew, in another slot if this one is still held.
  slotOfKey[keyOf(failed)] = -1;
  if (failed.users == 0)
    failed.state = State::Free;
}

} // namespace strata
