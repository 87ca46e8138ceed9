// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device's threads.
#pragma once

#include "runtime/Base/Error.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace strata {

/// Threads that live as long as the pool. The thread that calls `parallelFor` is worker 0 and works too; a call never
/// waits for a worker that has not begun, so that a machine with less free cores than threads is slow, not stuck.
class ThreadPool {
public:
  /// Exit code 3 if a thread cannot be started.
  static Result<std::unique_ptr<ThreadPool>> create(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const { return threadCount; }

  /// Calls `function(begin, end, worker)` for contiguous ranges that together are [0, tasks), each of at least `grain`
  /// tasks where there are as many, and returns when all are done. Which worker gets which range is up to chance, so
  /// the function's result must not depend on it. Allocates nothing. One caller at a time, not from within a function.
  template <typename Function> void parallelFor(uint64_t tasks, uint64_t grain, const Function &function) {
    run(tasks, grain, &call<Function>, &function);
  }

private:
  using Body = void (*)(const void *function, uint64_t begin, uint64_t end, unsigned worker);

  template <typename Function> static void call(const void *function, uint64_t begin, uint64_t end, unsigned worker) {
    (*static_cast<const Function *>(function))(begin, end, worker);
  }

  explicit ThreadPool(unsigned count) : threadCount(count) {}
  void run(uint64_t tasks, uint64_t grain, Body body, const void *function);
  void work(unsigned worker);
  void workUntilStopped(unsigned worker);

  unsigned threadCount;
  std::vector<std::thread> workers;

  /// The running job. `ticket` is its number in the high half and the next range to take in the low half. A worker
  /// reads the job between reading the ticket and taking a range by compare-and-exchange: had the job been replaced
  /// meanwhile, the exchange fails. All fields are atomic since a late worker may read them while they are replaced.
  std::atomic<uint64_t> ticket = 0;
  std::atomic<Body> jobBody = nullptr;
  std::atomic<const void *> jobFunction = nullptr;
  std::atomic<uint64_t> jobTasks = 0;
  std::atomic<uint32_t> jobRanges = 0;
  std::atomic<uint32_t> unfinished = 0; ///< Ranges that are not done.
  std::atomic<uint32_t> epoch = 0;      ///< Counts jobs; idle workers wait for it to change.
  std::atomic<bool> stopping = false;
};

} // namespace strata
