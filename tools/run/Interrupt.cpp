// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Interrupt.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace strata::run {

namespace {

// An eventfd is written with one call that a signal handler may make; it counts, so that clear() is one read.
int event = -1;
std::atomic<bool> pending = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch nothing else");

extern "C" void onInterrupt(int) {
  int saved = errno;
  pending = true;
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(event, &one, sizeof(one));
  errno = saved;
}

} // namespace

Result<void> Interrupt::install() {
  event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0)
    return fail(ExitCode::Machine, "", "the system has no file descriptor left for this process");
  struct sigaction action = {};
  action.sa_handler = onInterrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  return {};
}

bool Interrupt::raised() {
  return pending;
}

void Interrupt::clear() {
  uint64_t count = 0;
  [[maybe_unused]] ssize_t taken = read(event, &count, sizeof(count));
  pending = false;
}

int Interrupt::descriptor() {
  return event;
}

} // namespace strata::run
