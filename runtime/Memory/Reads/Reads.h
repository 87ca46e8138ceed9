// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reading a model's files: one small interface for every way of doing it.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/SlotBytes.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace strata {

class WeightFiles;

struct ReadRequest {
  uint64_t tag = 0; ///< Comes back with the completion.
  uint32_t file = 0;
  uint64_t offset = 0; ///< Multiple of kReadAlignment, like the length and the address of `to`.
  std::span<std::byte> to;
  /// The part of `to` whose checksum is wanted, if the read is whole: back ends compute it in their own threads.
  uint64_t hashedFrom = 0, hashedBytes = 0;
  bool throughCache = false; ///< Through the page cache, whatever the back end: another way to the same bytes.
};

struct ReadCompletion {
  uint64_t tag = 0;
  int64_t result = 0; ///< Bytes that were read, maybe fewer than asked for; 0 at the file's end; or -errno.
  uint64_t hash = 0;
  bool hashed = false; ///< `hash` is the checksum that was wanted.
};

/// One attempt at each read, in any order: it may be short and it may fail. Retries, checks and time limits stand above
/// (ExpertStore). Used by one thread; nothing is allocated once it is made.
class Reads {
public:
  using Duration = std::chrono::nanoseconds;
  virtual ~Reads() = default;

  /// Begins a read. At most capacity() may be under way. `to` belongs to the read until its completion is returned.
  virtual void submit(const ReadRequest &request) = 0;
  /// Completions that are there; waits for one at most `timeout`. Returns how many it wrote.
  virtual size_t wait(std::span<ReadCompletion> to, Duration timeout) = 0;
  /// Time since some beginning; a simulator's own.
  virtual Duration now() const = 0;
  /// Reads that may be under way at one time.
  virtual size_t capacity() const = 0;
  /// Which back end it is, and why: to be printed.
  virtual std::string description() const = 0;
};

enum class ReadBackend { Automatic, Uring, PreadPool, Buffered };

struct ReadOptions {
  ReadBackend backend = ReadBackend::Automatic;
  uint32_t depth = kReadDepth; ///< Reads that the disk gets at one time, at least 1.
  size_t capacity = 4096;      ///< Reads that may be asked for at one time.
};

/// The back end for these files, which must outlive it. Automatic takes the first that the system does not refuse:
/// io_uring, threads with direct reads, threads with buffered ones; the description says why. Exit code 3 if what is
/// asked for by name is refused: F11 direct reads, F12 io_uring.
Result<std::unique_ptr<Reads>> openReads(const WeightFiles &files, const ReadOptions &options);

} // namespace strata
