// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/Progress.h"

#include "runtime/Base/Size.h"

#include <cmath>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace strata {

std::string timeLeft(double seconds) {
  constexpr double kMost = 360000; // A hundred hours: nobody waits that long, and what led to it was a guess.
  if (!std::isfinite(seconds) || seconds < 0 || seconds > kMost)
    return "";
  auto whole = static_cast<uint64_t>(std::ceil(seconds));
  if (whole < 60)
    return fmt::format("{} s left", whole);
  if (whole < 3600)
    return fmt::format("{}:{:02} left", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02} left", whole / 3600, whole / 60 % 60, whole % 60);
}

ProgressLine::ProgressLine(std::string whatIsDone, double doneBefore)
    : what(std::move(whatIsDone)), before(doneBefore), terminal(isatty(STDERR_FILENO)), start(Clock::now()),
      shown(start) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::clear() {
  if (std::exchange(visible, false))
    fmt::print(stderr, "\r\033[K");
}

double ProgressLine::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool ProgressLine::isDue() const {
  return terminal && Clock::now() - shown >= std::chrono::milliseconds(500);
}

void ProgressLine::write(std::string_view text) {
  fmt::print(stderr, "\r\033[K{}: {}", what, text);
  std::fflush(stderr);
  visible = true;
  shown = Clock::now();
}

void ProgressLine::showBytes(uint64_t done, uint64_t total) {
  if (done == total)
    return clear();
  if (!isDue())
    return;
  double speed = (static_cast<double>(done) - before) / seconds();
  std::string left = timeLeft(static_cast<double>(total - done) / speed);
  write(fmt::format("{} of {}, {:.2f} GB/s{}{}", formatBytes(done), formatBytes(total), speed / 1e9,
                    left.empty() ? "" : ", ", left));
}

void ProgressLine::show(double share, std::string_view detail) {
  if (!isDue())
    return;
  std::string left = timeLeft(seconds() * (1 - share) / (share - before));
  write(fmt::format("{}{}{}", detail, left.empty() ? "" : ", ", left));
}

} // namespace strata
