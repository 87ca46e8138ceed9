// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/LineReader.h"

#include "tools/run/Interrupt.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace strata::run {

LineEnd LineReader::read(std::string &line) {
  while (true) {
    if (std::size_t end = pending.find('\n'); end != std::string::npos) {
      line = pending.substr(0, end);
      pending.erase(0, end + 1);
      return LineEnd::Line;
    }
    std::array<pollfd, 2> wanted = {{{STDIN_FILENO, POLLIN, 0}, {Interrupt::descriptor(), POLLIN, 0}}};
    if (poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR)
      return LineEnd::EndOfInput;
    if (Interrupt::raised()) {
      pending.clear();
      return LineEnd::Interrupted;
    }
    std::array<char, 4096> bytes;
    ssize_t count = wanted[0].revents ? ::read(STDIN_FILENO, bytes.data(), bytes.size()) : -1;
    if (count > 0)
      pending.append(bytes.data(), static_cast<std::size_t>(count));
    if (count > 0 || !wanted[0].revents || (count < 0 && (errno == EINTR || errno == EAGAIN)))
      continue;
    // The last line may lack its line break.
    line = std::move(pending);
    pending.clear();
    return line.empty() ? LineEnd::EndOfInput : LineEnd::Line;
  }
}

} // namespace strata::run
