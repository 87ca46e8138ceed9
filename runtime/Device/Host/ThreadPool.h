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
  /// Each worker but the first stays on a core of its own if the process may use a core for every thread; `pinned` says
  /// whether they do. Exit code 3 if a thread cannot be started.
  static Result<std::unique_ptr<ThreadPool>> create(unsigned threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  unsigned threads() const { return threadCount; }
  bool pinned() const { return isPinned; }

  /// Calls `function(begin, end, worker)` for contiguous ranges that together are [0, tasks), each of at least `grain`
  /// tasks where there are as many, and returns when all are done. A worker begins at its share of the tasks and goes
  /// on from there, so that what it reads is one stream; one that is done takes half of what another has left. Which
  /// worker gets which range is up to chance, so the function's result must not depend on it. Allocates nothing. One
  /// caller at a time, not from within a function.
  template <typename Function> void parallelFor(uint64_t tasks, uint64_t grain, const Function &function) {
    run(tasks, grain, &call<Function>, &function);
  }

private:
  using Body = void (*)(const void *function, uint64_t begin, uint64_t end, unsigned worker);

  template <typename Function> static void call(const void *function, uint64_t begin, uint64_t end, unsigned worker) {
    (*static_cast<const Function *>(function))(begin, end, worker);
  }

  /// Units that a worker has still to do: the number of the job in the high half, the first unit and the one past the
  /// last in the rest. A worker reads the job between reading a share and changing it by compare-and-exchange: had the
  /// job been replaced meanwhile, the exchange would fail, and while it has units the job cannot end.
  struct alignas(64) Share {
    std::atomic<uint64_t> units = 0;
  };

  explicit ThreadPool(unsigned count) : threadCount(count), shares(count) {}
  void pinWorkers();
  void run(uint64_t tasks, uint64_t grain, Body body, const void *function);
  void work(unsigned worker);
  void workUntilStopped(unsigned worker);
  bool takeOwn(unsigned worker);
  bool steal(unsigned worker);

  unsigned threadCount;
  bool isPinned = false;
  std::vector<std::thread> workers;
  std::vector<Share> shares;

  /// The running job. All fields are atomic since a late worker may read them while they are replaced.
  std::atomic<Body> jobBody = nullptr;
  std::atomic<const void *> jobFunction = nullptr;
  std::atomic<uint64_t> jobTasks = 0;
  std::atomic<uint64_t> jobUnit = 1;    ///< Tasks in a unit.
  std::atomic<uint32_t> unfinished = 0; ///< Units that are not done.
  std::atomic<uint32_t> epoch = 0;      ///< Counts jobs; idle workers wait for it to change.
  std::atomic<bool> stopping = false;
};

} // namespace strata
