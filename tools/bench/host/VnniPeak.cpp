// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/VnniPeak.h"

#include "runtime/Device/Host/Isa.h"
#include "tools/bench/host/Clock.h"

#include <cstdlib>

namespace strata::bench {

namespace {

/// Sums that do not wait for each other: enough for two instructions a cycle whose results take five.
constexpr uint64_t kSums = 16;
constexpr uint64_t kOperations = 128; ///< Of an instruction: 64 multiplications and as many additions.

#ifdef __x86_64__
__attribute__((target("avx512f,avx512vnni"))) void multiply(uint64_t steps) {
  for (uint64_t i = 0; i < steps; ++i)
    asm volatile("vpdpbusd %%zmm16, %%zmm17, %%zmm0\n vpdpbusd %%zmm16, %%zmm17, %%zmm1\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm2\n vpdpbusd %%zmm16, %%zmm17, %%zmm3\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm4\n vpdpbusd %%zmm16, %%zmm17, %%zmm5\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm6\n vpdpbusd %%zmm16, %%zmm17, %%zmm7\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm8\n vpdpbusd %%zmm16, %%zmm17, %%zmm9\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm10\n vpdpbusd %%zmm16, %%zmm17, %%zmm11\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm12\n vpdpbusd %%zmm16, %%zmm17, %%zmm13\n"
                 "vpdpbusd %%zmm16, %%zmm17, %%zmm14\n vpdpbusd %%zmm16, %%zmm17, %%zmm15\n" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15");
}
#else
void multiply(uint64_t) {
  std::abort(); // hasVnni() says so.
}
#endif

} // namespace

bool hasVnni() {
  return bestIsa() == Isa::avx512;
}

double vnniPeak(ThreadPool &pool) {
  constexpr uint64_t kTasks = 64, kSteps = 50'000; // Stolen by whoever is done, as a kernel's are.
  double seconds = secondsOf([&] {
    pool.parallelFor(uint64_t{pool.threads()} * kTasks, 1,
                     [](uint64_t begin, uint64_t end, unsigned) { multiply((end - begin) * kSteps); });
  });
  return static_cast<double>(kSums * kOperations * kSteps * kTasks * pool.threads()) / seconds;
}

} // namespace strata::bench
