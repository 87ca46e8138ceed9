// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A system that refuses calls: kernels without io_uring, file systems without direct reads, disks with bad places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <optional>
#include <sys/prctl.h>
#include <thread>

namespace strata::test {

/// Calls with a number, or those of them whose argument is `value`, or has one of its bits.
struct RefusedCall {
  uint32_t number = 0;
  int error = 0;
  std::optional<uint32_t> argument = {};
  uint32_t value = 0;
  bool anyBit = false;
};

/// Runs `body` in a thread for which, and for whose threads, the system refuses a call. False if this system does not
/// let a process refuse itself something.
inline bool withRefused(const RefusedCall &call, const std::function<void()> &body) {
  bool allowed = true;
  std::thread([&] {
    auto code = [](int what, uint32_t k, uint8_t yes = 0, uint8_t no = 0) {
      return sock_filter{static_cast<uint16_t>(what), yes, no, k};
    };
    auto argument = static_cast<uint32_t>(offsetof(seccomp_data, args) + call.argument.value_or(0) * sizeof(uint64_t));
    int test = !call.argument ? BPF_JGE : call.anyBit ? BPF_JSET : BPF_JEQ;
    sock_filter filter[] = {
        code(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        code(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 3),
        code(BPF_LD | BPF_W | BPF_ABS, argument),
        code(BPF_JMP | test | BPF_K, call.argument ? call.value : 0, 0, 1),
        code(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(call.error)),
        code(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
    allowed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (allowed)
      body();
  }).join();
  return allowed;
}

} // namespace strata::test
