// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/ThreadPool.h"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>

namespace strata {

/// Ranges per thread: more than one, so that a thread that got slow ranges or lost its core is helped by the others.
static constexpr uint64_t kRangesPerThread = 4;
/// Looks at a flag this often before going to sleep: some ten microseconds, the time between two operations of a step.
static constexpr int kSpins = 1000;
static constexpr uint64_t kRangeMask = 0xFFFFFFFF;

static void pauseCore() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Returns when `flag` is no longer `old`.
static void waitForChange(const std::atomic<uint32_t> &flag, uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (flag.load(std::memory_order_acquire) != old)
      return;
    pauseCore();
  }
  flag.wait(old, std::memory_order_acquire);
}

Result<std::unique_ptr<ThreadPool>> ThreadPool::create(unsigned threads) {
  if (threads == 0)
    return fail(ExitCode::CommandLine, "", "0 threads were asked for: give at least one");
  std::unique_ptr<ThreadPool> pool(new ThreadPool(threads));
  pool->workers.reserve(threads - 1);
  for (unsigned worker = 1; worker < threads; ++worker) {
    try {
      pool->workers.emplace_back([raw = pool.get(), worker] { raw->workUntilStopped(worker); });
    } catch (const std::system_error &error) {
      return fail(ExitCode::Machine, "",
                  fmt::format("thread {} of {} cannot be started ({}): use fewer with --threads", worker + 1, threads,
                              error.code().message()));
    }
  }
  return pool;
}

ThreadPool::~ThreadPool() {
  stopping.store(true, std::memory_order_relaxed);
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::run(uint64_t tasks, uint64_t grain, Body body, const void *function) {
  uint64_t ranges = std::min<uint64_t>(threadCount * kRangesPerThread, tasks / std::max<uint64_t>(grain, 1));
  if (ranges <= 1 || threadCount == 1) {
    if (tasks > 0)
      body(function, 0, tasks, 0);
    return;
  }
  uint64_t number = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
  // No range of the new job can be taken while its fields are being written.
  ticket.store(number << 32 | kRangeMask, std::memory_order_relaxed);
  jobBody.store(body, std::memory_order_release);
  jobFunction.store(function, std::memory_order_release);
  jobTasks.store(tasks, std::memory_order_release);
  jobRanges.store(static_cast<uint32_t>(ranges), std::memory_order_release);
  unfinished.store(static_cast<uint32_t>(ranges), std::memory_order_relaxed);
  ticket.store(number << 32, std::memory_order_release);
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();

  work(0);
  for (uint32_t left = unfinished.load(std::memory_order_acquire); left != 0;
       left = unfinished.load(std::memory_order_acquire))
    waitForChange(unfinished, left);
}

void ThreadPool::work(unsigned worker) {
  uint64_t seen = ticket.load(std::memory_order_acquire);
  while (true) {
    Body body = jobBody.load(std::memory_order_acquire);
    const void *function = jobFunction.load(std::memory_order_acquire);
    uint64_t tasks = jobTasks.load(std::memory_order_acquire);
    uint64_t ranges = jobRanges.load(std::memory_order_acquire);
    uint64_t range = seen & kRangeMask;
    if (range >= ranges)
      return;
    if (!ticket.compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire))
      continue;
    uint64_t size = tasks / ranges, longer = tasks % ranges;
    uint64_t begin = range * size + std::min(range, longer);
    body(function, begin, begin + size + (range < longer ? 1 : 0), worker);
    if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1)
      unfinished.notify_all();
    seen = ticket.load(std::memory_order_acquire);
  }
}

void ThreadPool::workUntilStopped(unsigned worker) {
  while (true) {
    // Read before looking for work: a job that comes after the look changes it, and the wait returns at once.
    uint32_t seen = epoch.load(std::memory_order_acquire);
    if (stopping.load(std::memory_order_relaxed))
      return;
    work(worker);
    waitForChange(epoch, seen);
  }
}

} // namespace strata
