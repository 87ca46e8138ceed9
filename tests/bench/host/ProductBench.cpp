// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How fast one core multiplies an expert's slab with the columns of a prompt, against its peak of 8-bit dot products.
// Every round measures everything, so that what else runs on the machine slows all of it alike.
#include "runtime/Device/Host/HostDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

namespace strata::test {
namespace {

constexpr int kRounds = 7;
constexpr uint64_t kRows = 2048, kLength = 7168;

/// Of the thread's own time: what else runs on the core does not count.
double secondsOf(auto &&work) {
  auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double begin = now();
  work();
  return now() - begin;
}

#define STRATA_FOUR_STEPS(A, B, C, D)                                                                                  \
  "vpdpbusd %%zmm30, %%zmm31, %%zmm" A "\n vpdpbusd %%zmm30, %%zmm31, %%zmm" B "\n"                                    \
  "vpdpbusd %%zmm30, %%zmm31, %%zmm" C "\n vpdpbusd %%zmm30, %%zmm31, %%zmm" D "\n"

/// 8-bit multiplications and additions a second, in units of 10^9, with nothing but VPDPBUSD in sixteen registers: two
/// a cycle with five cycles each need ten.
__attribute__((target("avx512f,avx512vnni"))) double peak() {
  constexpr int kSteps = 2'000'000;
  double seconds = secondsOf([] {
    for (int i = 0; i < kSteps; ++i)
      asm volatile(STRATA_FOUR_STEPS("0", "1", "2", "3") STRATA_FOUR_STEPS("4", "5", "6", "7")
                       STRATA_FOUR_STEPS("8", "9", "10", "11") STRATA_FOUR_STEPS("12", "13", "14", "15")::
                           : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                             "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  });
  return 16.0 * 128 * kSteps / seconds / 1e9;
}

struct Case {
  Isa isa;
  uint64_t tokens;
  std::vector<double> speeds = {}, ofPeak = {};
};

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

double speedOf(const Case &measured) {
  std::unique_ptr<Device> device =
      HostDevice::create({.threads = 1, .workerScratchBytes = 1 << 20, .isa = measured.isa}).value();
  Workbench bench(*device);
  static const Weight weight = bench.weight(Encoding::Q4_0, 1, kRows, kLength);
  BoundOperand input = bench.activation(bench.numbers(measured.tokens, kLength), ActivationEncoding::i8);
  BoundOperand result = bench.space(measured.tokens, kRows);
  PreparedCall call{
      Operation::matmul, Form::many, ActivationEncoding::i8, measured.tokens, {input, bench.upload(weight), absent()},
      {result},          {}};
  bench.launch(call);
  double seconds = secondsOf([&] { bench.launch(call); });
  return 2.0 * static_cast<double>(kRows * kLength * measured.tokens) / seconds / 1e9;
}

void run() {
  bool hasPeak = bestIsa() == Isa::avx512;
  std::vector<Case> cases;
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    for (uint64_t tokens : {1u, 4u, 8u, 16u, 24u, 64u, 512u})
      if (isa <= bestIsa())
        cases.push_back({isa, tokens});
  for (int round = 0; round < kRounds; ++round)
    for (Case &measured : cases) {
      double before = hasPeak ? peak() : 0;
      measured.speeds.push_back(speedOf(measured));
      double after = hasPeak ? peak() : 0;
      measured.ofPeak.push_back(hasPeak ? measured.speeds.back() / ((before + after) / 2) : 0);
    }
  fmt::print("Q4_0 [{} x {}], i8, form many, one thread; medians of {} rounds (least to most)\n", kRows, kLength,
             kRounds);
  for (const Case &measured : cases) {
    auto [least, most] = std::minmax_element(measured.speeds.begin(), measured.speeds.end());
    fmt::print("{:8} {:3} tokens: {:6.1f} GOPS ({:.1f} to {:.1f})", isaName(measured.isa), measured.tokens,
               median(measured.speeds), *least, *most);
    if (hasPeak)
      fmt::print(", {:.0f} % of the VNNI peak", 100 * median(measured.ofPeak));
    fmt::print("\n");
  }
}

} // namespace
} // namespace strata::test

int main() {
  strata::test::run();
}
