// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is done of something that takes long, on the terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// One line on stderr that is written anew twice a second, and not left behind. Nothing where stderr is no terminal.
class ProgressLine {
public:
  /// `doneBefore` bytes, or that share of the work, were done before this one began.
  explicit ProgressLine(std::string whatIsDone, double doneBefore = 0);
  ~ProgressLine();
  ProgressLine(const ProgressLine &) = delete;
  ProgressLine &operator=(const ProgressLine &) = delete;

  /// Takes the line away, for what is printed next.
  void clear();
  /// "reading weights: 3.2 GiB of 8.0 GiB, 1.21 GB/s, 4 s left"; takes the line away when all is done.
  void showBytes(uint64_t done, uint64_t total);
  /// "prompt: layer 3 of 5, 1.21 GB/s, 1:05 left": `detail` stands between what and the time; `share` is from 0 to 1.
  void show(double share, std::string_view detail);
  /// Since the line was made.
  double seconds() const;
  /// True if a line would be written now: texts need not be made for nothing.
  bool isDue() const;

private:
  using Clock = std::chrono::steady_clock;
  void write(std::string_view text);

  std::string what;
  double before;
  bool terminal, visible = false;
  Clock::time_point start, shown;
};

/// "12 s left", "1:05 left", "2:10:00 left"; nothing of a time that cannot be known.
std::string timeLeft(double seconds);

} // namespace strata
