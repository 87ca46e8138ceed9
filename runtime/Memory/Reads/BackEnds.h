// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the back ends on real files have in common, and how each is made. For openReads() alone.
#pragma once

#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/Cursor.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace strata {

/// A queue that never allocates. No more than its capacity may be in it.
template <typename T> class FixedQueue {
public:
  explicit FixedQueue(size_t capacity) : entries(capacity) {}
  bool empty() const { return count == 0; }
  void clear() { count = 0; }
  void push(const T &entry) { entries[(first + count++) % entries.size()] = entry; }
  T pop() {
    T entry = entries[first];
    first = (first + 1) % entries.size();
    --count;
    return entry;
  }

private:
  std::vector<T> entries;
  size_t first = 0, count = 0;
};

/// Reads that other threads perform: what is asked for and what is done, between them and the one that uses it.
class ThreadedReads : public Reads {
public:
  size_t wait(std::span<ReadCompletion> to, Duration timeout) override;
  Duration now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  size_t capacity() const override { return most; }

protected:
  ThreadedReads(const WeightFiles &from, size_t capacity)
      : files(from), asked(capacity), done(capacity), most(capacity) {}
  /// For wait(). The mutex is not held.
  void hand(const ReadCompletion &completion);

  const WeightFiles &files;
  std::mutex mutex; ///< Of the queues and `ending`.
  FixedQueue<ReadRequest> asked;
  FixedQueue<ReadCompletion> done;
  bool ending = false;

private:
  size_t most;
  std::condition_variable somethingDone;
};

/// The same files again, for direct reads.
struct DirectFiles {
  std::vector<gguf::Descriptor> descriptors; ///< One for each file; none if the file system refuses.
  int refusal = 0;                           ///< The errno of that.
};
DirectFiles openDirect(const WeightFiles &files);

/// The completion of a read that ended with `result`, with the checksum if one is wanted and the read is whole.
ReadCompletion completed(const ReadRequest &request, int64_t result);

/// Threads that each read with pread; through the page cache if there are no descriptors for direct reads. Exit code 3
/// if the system has not that many threads.
Result<std::unique_ptr<Reads>> makePoolReads(const WeightFiles &files, std::vector<gguf::Descriptor> direct,
                                             const ReadOptions &options, std::string description);

/// Direct reads by io_uring. Nothing if the kernel refuses it, with the errno of that in `refusal`; `direct` is then
/// untouched.
std::unique_ptr<Reads> makeUringReads(const WeightFiles &files, std::vector<gguf::Descriptor> &direct,
                                      const ReadOptions &options, int &refusal);

} // namespace strata
