// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/HostLimits.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace strata {
namespace {
namespace fs = std::filesystem;

/// A root directory with the files that a test writes, removed at its end.
class HostLimitsTest : public testing::Test {
protected:
  void SetUp() override {
    root = fs::temp_directory_path() / ("strata-host-limits-" + std::to_string(getpid()));
    fs::create_directories(root);
    write("proc/meminfo", "MemTotal:       41943040 kB\nMemFree:        1 kB\n");
  }
  void TearDown() override { fs::remove_all(root); }

  void write(const fs::path &path, const std::string &text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }

  fs::path root;
};

TEST_F(HostLimitsTest, MachineWithoutControlGroups) {
  HostLimits limits = hostLimits(root, 13);
  EXPECT_EQ(limits.cores, 13u);
  EXPECT_EQ(limits.ramBytes, uint64_t(40) << 30);
}

TEST_F(HostLimitsTest, VersionTwoTakesTheTightestGroupOnTheWayUp) {
  write("proc/self/cgroup", "0::/pod/container\n");
  write("sys/fs/cgroup/pod/container/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/pod/container/memory.max", "max\n");
  write("sys/fs/cgroup/pod/cpu.max", "350000 100000\n");
  write("sys/fs/cgroup/pod/memory.max", "8589934592\n");
  HostLimits limits = hostLimits(root, 16);
  EXPECT_EQ(limits.cores, 3u);
  EXPECT_FALSE(limits.fractionOfCore);
  EXPECT_EQ(limits.ramBytes, uint64_t(8) << 30);
}

TEST_F(HostLimitsTest, VersionTwoInsideAContainerReadsTheMountPoint) {
  write("proc/self/cgroup", "0::/not/visible/here\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  write("sys/fs/cgroup/memory.max", "1073741824\n");
  HostLimits limits = hostLimits(root, 16);
  EXPECT_EQ(limits.cores, 2u);
  EXPECT_EQ(limits.ramBytes, uint64_t(1) << 30);
}

TEST_F(HostLimitsTest, VersionOneReadsEachController) {
  write("proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job\n1:name=systemd:/\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2147483648\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  HostLimits limits = hostLimits(root, 16);
  EXPECT_EQ(limits.cores, 1u) << "half a core still runs one thread";
  EXPECT_TRUE(limits.fractionOfCore);
  EXPECT_EQ(limits.ramBytes, uint64_t(2) << 30);
}

TEST_F(HostLimitsTest, HugePagesAreWhatTheBracketsSay) {
  EXPECT_FALSE(hostLimits(root, 1).hugePages) << "no such file";
  for (auto [text, allowed] : {std::pair{"always [madvise] never\n", true},
                               {"[always] madvise never\n", true},
                               {"always madvise [never]\n", false}}) {
    write("sys/kernel/mm/transparent_hugepage/enabled", text);
    EXPECT_EQ(hostLimits(root, 1).hugePages, allowed) << text;
  }
}

TEST_F(HostLimitsTest, MemoryThatCannotBeReadIsZero) {
  fs::remove(root / "proc/meminfo");
  EXPECT_EQ(hostLimits(root, 0).ramBytes, 0u);
  EXPECT_EQ(hostLimits(root, 0).cores, 1u);
}

TEST(HostLimits, ThisProcessHasCoresAndMemory) {
  HostLimits limits = hostLimits();
  EXPECT_GE(limits.cores, 1u);
  EXPECT_GT(limits.ramBytes, 0u);
}

} // namespace
} // namespace strata
