// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the back ends on real files have in common, and how each is made. For openReads() alone.
#pragma once

#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/Cursor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
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
