// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device's threads: every task is done once, whoever does it.
#include "runtime/Device/Host/ThreadPool.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <numeric>

namespace strata::test {
namespace {

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  for (unsigned threads : {1u, 2u, 3u, 7u}) {
    auto pool = ThreadPool::create(threads).value();
    for (uint64_t tasks : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{27}, uint64_t{1000}})
      for (uint64_t grain : {uint64_t{0}, uint64_t{1}, uint64_t{10}, uint64_t{5000}}) {
        SCOPED_TRACE(fmt::format("{} threads, {} tasks, grain {}", threads, tasks, grain));
        // Not atomic: each is touched by one thread only.
        std::vector<int> runs(tasks);
        std::vector<std::atomic<int>> busy(threads);
        pool->parallelFor(tasks, grain, [&](uint64_t begin, uint64_t end, unsigned worker) {
          ASSERT_LT(worker, threads);
          EXPECT_EQ(busy[worker].fetch_add(1), 0) << "two ranges share a worker's scratch";
          EXPECT_GE(end - begin, std::min(std::max<uint64_t>(grain, 1), tasks));
          for (uint64_t task = begin; task < end; ++task)
            ++runs[task];
          busy[worker].fetch_sub(1);
        });
        EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), uint64_t{0}), tasks);
        EXPECT_TRUE(std::ranges::all_of(runs, [](int count) { return count == 1; }));
      }
  }
}

TEST(ThreadPoolTest, ManyShortJobsFollowEachOther) {
  auto pool = ThreadPool::create(4).value();
  std::vector<uint64_t> sums(16);
  for (uint64_t job = 0; job < 20000; ++job)
    pool->parallelFor(16, 1, [&](uint64_t begin, uint64_t end, unsigned) {
      for (uint64_t task = begin; task < end; ++task)
        sums[task] += job;
    });
  for (uint64_t sum : sums)
    EXPECT_EQ(sum, uint64_t{20000} * 19999 / 2);
}

TEST(ThreadPoolTest, NoThreadsAreRefused) {
  auto pool = ThreadPool::create(0);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().code, ExitCode::CommandLine);
}

TEST(ThreadPoolTest, MoreTasksThanUnits) {
  // Units are at most 2^15: each has several tasks, the last one what is left.
  auto pool = ThreadPool::create(3).value();
  for (uint64_t tasks : {uint64_t{1} << 15, (uint64_t{1} << 15) + 1, uint64_t{1} << 20, (uint64_t{5} << 15) + 4321}) {
    std::vector<uint8_t> runs(tasks);
    pool->parallelFor(tasks, 1, [&](uint64_t begin, uint64_t end, unsigned) {
      for (uint64_t task = begin; task < end; ++task)
        ++runs[task];
    });
    EXPECT_TRUE(std::ranges::all_of(runs, [](uint8_t count) { return count == 1; })) << tasks;
  }
}

TEST(ThreadPoolTest, WhoIsDoneHelps) {
  // The first half of the tasks waits: without help its worker would do them all, one after the other.
  auto pool = ThreadPool::create(2).value();
  std::atomic<int> helped = 0;
  for (int attempt = 0; attempt < 20 && helped == 0; ++attempt) {
    std::atomic<unsigned> first = 99;
    pool->parallelFor(64, 1, [&](uint64_t begin, uint64_t end, unsigned worker) {
      for (uint64_t task = begin; task < end; ++task) {
        if (task == 0)
          first = worker;
        if (task < 32) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
          unsigned expected = first.load();
          if (expected != 99 && expected != worker)
            ++helped;
        }
      }
    });
  }
  EXPECT_GT(helped, 0);
}

TEST(ThreadPoolTest, JobsOfAllSizesFollowEachOther) {
  // Jobs that are over before the other workers have looked, and jobs that need them.
  auto pool = ThreadPool::create(7).value();
  std::vector<std::atomic<uint64_t>> sums(1000);
  uint64_t expected = 0;
  for (uint64_t job = 1; job <= 3000; ++job) {
    uint64_t tasks = 2 + job * 7919 % 999;
    expected += job * tasks;
    pool->parallelFor(tasks, 1 + job % 3, [&](uint64_t begin, uint64_t end, unsigned) {
      for (uint64_t task = begin; task < end; ++task)
        sums[task].fetch_add(job, std::memory_order_relaxed);
    });
  }
  uint64_t total = 0;
  for (const std::atomic<uint64_t> &sum : sums)
    total += sum;
  EXPECT_EQ(total, expected);
}

} // namespace
} // namespace strata::test
