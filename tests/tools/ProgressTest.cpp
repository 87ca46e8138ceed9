// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The line on the terminal: what it says, and that it is gone before something else is printed.

#include "tools/Progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <thread>
#include <unistd.h>

namespace strata::test {
namespace {

/// Stderr is a terminal while this lives.
class Terminal {
public:
  Terminal() : before(dup(STDERR_FILENO)) {
    EXPECT_EQ(openpty(&own, &other, nullptr, nullptr, nullptr), 0);
    fcntl(own, F_SETFL, O_NONBLOCK);
    dup2(other, STDERR_FILENO);
  }
  ~Terminal() {
    dup2(before, STDERR_FILENO);
    for (int descriptor : {own, other, before})
      close(descriptor);
  }
  /// What was written since the last call.
  std::string text() const {
    char bytes[4096];
    ssize_t got = read(own, bytes, sizeof(bytes));
    return got < 0 ? "" : std::string(bytes, static_cast<size_t>(got));
  }

private:
  int before, own = -1, other = -1;
};

void waitUntilDue(const ProgressLine &line) {
  while (!line.isDue())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

constexpr uint64_t kTotal = uint64_t{8} << 30;

TEST(Progress, IsGoneWhenAllIsDone) {
  Terminal terminal;
  ProgressLine line("reading weights");
  line.showBytes(1, kTotal); // Too early.
  waitUntilDue(line);
  line.showBytes(kTotal / 4, kTotal);
  EXPECT_THAT(terminal.text(),
              testing::MatchesRegex("\r.*reading weights: 2.0 GiB of 8.0 GiB, .* GB/s, [0-9]+ s left"));
  line.showBytes(kTotal, kTotal);
  EXPECT_EQ(terminal.text(), "\r\033[K");
}

TEST(Progress, IsGoneWithItsObject) {
  Terminal terminal;
  {
    ProgressLine line("prompt");
    waitUntilDue(line);
    line.show(0.5, "layer 3 of 5");
    EXPECT_THAT(terminal.text(), testing::MatchesRegex("\r.*prompt: layer 3 of 5, 1 s left"));
  }
  EXPECT_EQ(terminal.text(), "\r\033[K");
}

TEST(Progress, TimeLeft) {
  EXPECT_EQ(timeLeft(11.2), "12 s left");
  EXPECT_EQ(timeLeft(64.5), "1:05 left");
  EXPECT_EQ(timeLeft(7800), "2:10:00 left");
  EXPECT_EQ(timeLeft(-1), "");
  EXPECT_EQ(timeLeft(1e300 * 1e300), "");
  EXPECT_EQ(timeLeft(1e9), "");
}

} // namespace
} // namespace strata::test
