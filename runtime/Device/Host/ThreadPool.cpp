// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/ThreadPool.h"

#include "runtime/Base/HostLimits.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <system_error>

namespace strata {

/// At most so many units are shared out: their numbers have 16 bits.
static constexpr uint64_t kMaximumUnits = 1 << 15;
/// How long a thread looks at a flag before it goes to sleep: longer than the time between two operations of a step,
/// and short enough that a neighbour on the same core loses no more than that.
static constexpr std::chrono::microseconds kSpinTime{50};

/// Units [begin, end) of a job.
struct Units {
  uint64_t job, begin, end;

  static Units of(uint64_t packed) { return {packed >> 32, packed >> 16 & 0xFFFF, packed & 0xFFFF}; }
  uint64_t packed() const { return job << 32 | begin << 16 | end; }
  uint64_t count() const { return end - begin; }
};

static void pauseCore() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Returns when `flag` is no longer `old`.
static void waitForChange(const std::atomic<uint32_t> &flag, uint32_t old) {
  constexpr int kLooksPerClock = 32;
  auto begin = std::chrono::steady_clock::now();
  do
    for (int look = 0; look < kLooksPerClock; ++look) {
      if (flag.load(std::memory_order_acquire) != old)
        return;
      pauseCore();
    }
  while (std::chrono::steady_clock::now() - begin < kSpinTime);
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
  pool->pinWorkers();
  return pool;
}

/// A core for each worker but the first, which is the caller's thread and goes where it likes; not if the process has
/// fewer cores than threads, or a quota that the cores share.
void ThreadPool::pinWorkers() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (threadCount == 1 || sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || hostLimits().cores < threadCount ||
      static_cast<unsigned>(CPU_COUNT(&allowed)) < threadCount)
    return;
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE && cores.size() < threadCount; ++core)
    if (CPU_ISSET(core, &allowed))
      cores.push_back(core);
  isPinned = true;
  for (unsigned worker = 1; worker < threadCount; ++worker) {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cores[worker], &own);
    isPinned &= pthread_setaffinity_np(workers[worker - 1].native_handle(), sizeof(own), &own) == 0;
  }
}

ThreadPool::~ThreadPool() {
  stopping.store(true, std::memory_order_relaxed);
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::run(uint64_t tasks, uint64_t grain, Body body, const void *function) {
  uint64_t unit = std::max({grain, uint64_t{1}, (tasks + kMaximumUnits - 1) / kMaximumUnits});
  // The last unit has what is left, so that none is smaller than the grain.
  uint64_t units = tasks / unit;
  if (units <= 1 || threadCount == 1) {
    if (tasks > 0)
      body(function, 0, tasks, 0);
    return;
  }
  // The job before has ended: no share has units, and nobody takes any before the new ones are there.
  uint64_t job = (Units::of(shares[0].units.load(std::memory_order_relaxed)).job + 1) & 0xFFFFFFFF;
  jobBody.store(body, std::memory_order_relaxed);
  jobFunction.store(function, std::memory_order_relaxed);
  jobTasks.store(tasks, std::memory_order_relaxed);
  jobUnit.store(unit, std::memory_order_relaxed);
  unfinished.store(static_cast<uint32_t>(units), std::memory_order_relaxed);
  for (unsigned worker = 0; worker < threadCount; ++worker)
    shares[worker].units.store(Units{job, units * worker / threadCount, units * (worker + 1) / threadCount}.packed(),
                               std::memory_order_release);
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();

  work(0);
  for (uint32_t left = unfinished.load(std::memory_order_acquire); left != 0;
       left = unfinished.load(std::memory_order_acquire))
    waitForChange(unfinished, left);
}

/// Does the first quarter of the worker's own units; false if it has none.
bool ThreadPool::takeOwn(unsigned worker) {
  std::atomic<uint64_t> &share = shares[worker].units;
  uint64_t seen = share.load(std::memory_order_acquire);
  Units own = Units::of(seen);
  if (own.count() == 0)
    return false;
  Body body = jobBody.load(std::memory_order_relaxed);
  const void *function = jobFunction.load(std::memory_order_relaxed);
  uint64_t tasks = jobTasks.load(std::memory_order_relaxed), unit = jobUnit.load(std::memory_order_relaxed);
  uint64_t count = (own.count() + 3) / 4;
  if (!share.compare_exchange_strong(seen, Units{own.job, own.begin + count, own.end}.packed(),
                                     std::memory_order_acq_rel, std::memory_order_relaxed))
    return true; // Somebody took of the end meanwhile.
  uint64_t end = own.begin + count;
  body(function, own.begin * unit, end == tasks / unit ? tasks : end * unit, worker);
  if (unfinished.fetch_sub(static_cast<uint32_t>(count), std::memory_order_acq_rel) == count)
    unfinished.notify_all();
  return true;
}

/// Takes the last half of the largest share for the worker, which has none; false if there is nothing to take.
bool ThreadPool::steal(unsigned worker) {
  while (true) {
    unsigned victim = worker;
    uint64_t seen = 0;
    for (unsigned other = 0; other < threadCount; ++other)
      if (uint64_t packed = shares[other].units.load(std::memory_order_acquire);
          other != worker && Units::of(packed).count() > Units::of(seen).count()) {
        victim = other;
        seen = packed;
      }
    Units theirs = Units::of(seen), own = Units::of(shares[worker].units.load(std::memory_order_relaxed));
    // Shares are given their units one after the other. The worker's own may have got them since it was looked at, and
    // one of an earlier job is still to get them: neither may be replaced by stolen ones.
    if (own.count() != 0)
      return true;
    if (victim == worker || theirs.job != own.job)
      return false;
    uint64_t middle = theirs.begin + theirs.count() / 2;
    if (!shares[victim].units.compare_exchange_strong(seen, Units{theirs.job, theirs.begin, middle}.packed(),
                                                      std::memory_order_acq_rel, std::memory_order_relaxed))
      continue;
    // Only the worker itself gives its empty share units, and the job cannot end before they are done.
    shares[worker].units.store(Units{theirs.job, middle, theirs.end}.packed(), std::memory_order_release);
    return true;
  }
}

void ThreadPool::work(unsigned worker) {
  do
    while (takeOwn(worker))
      ;
  while (steal(worker));
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
