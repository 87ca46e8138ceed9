// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How fast weights stream through the products of a decode step, against a plain read of the same bytes:
//   HostFewBench [ROUNDS [MIB]]
// Every round measures everything, so that what else runs on the machine slows all of it alike; with one thread the
// clock is the thread's own.
#include "runtime/Device/Host/HostDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>

namespace strata::test {
namespace {

/// Seconds of work of the calling thread, or of the clock on the wall.
double now(unsigned threads) {
  timespec time;
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// A weight that is larger than the caches: the bytes of a small one again and again.
struct Stream {
  BoundOperand operand;
  uint64_t bytes = 0;
};

Stream stream(Device &device, Workbench &bench, Encoding encoding, uint64_t length, uint64_t wanted) {
  Weight weight = bench.weight(encoding, 1, 64, length);
  uint64_t copies = std::max<uint64_t>(1, wanted / weight.bytes.size());
  Stream result{bench.upload(weight), copies * weight.bytes.size()};
  result.operand.data = device.allocate(result.bytes).value();
  for (uint64_t copy = 0; copy < copies; ++copy)
    (void)device.copyToDevice(result.operand.data + copy * weight.bytes.size(), weight.bytes);
  result.operand.dimensions = {1, copies * 64, length};
  return result;
}

std::atomic<uint64_t> sink = 0;

void read(ThreadPool &pool, const Stream &from) {
  constexpr uint64_t kPiece = 4096, kNumbers = kPiece / sizeof(uint64_t);
  pool.parallelFor(from.bytes / kPiece, 16, [&](uint64_t begin, uint64_t end, unsigned) {
    uint64_t sums[8] = {};
    for (uint64_t piece = begin; piece < end; ++piece) {
      const auto *numbers = reinterpret_cast<const uint64_t *>(from.operand.data + piece * kPiece);
      for (uint64_t i = 0; i < kNumbers; i += 8) {
        __builtin_prefetch(numbers + i + 8192 / sizeof(uint64_t), 0, 2);
        for (uint64_t lane = 0; lane < 8; ++lane)
          sums[lane] |= numbers[i + lane];
      }
    }
    for (uint64_t sum : sums)
      sink |= sum;
  });
}

struct Case {
  std::string name;
  uint64_t tokens = 1;
  Encoding encoding = Encoding::Q4_0;
  uint64_t length = 7168;
  ActivationEncoding activations = ActivationEncoding::i8;
  Isa isa = Isa::avx512;
  std::vector<double> speeds = {}, ofRead = {};
};

double median(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[numbers.size() / 2];
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (Isa isa : {Isa::avx512, Isa::avx2}) {
    if (isa > bestIsa())
      continue;
    auto add = [&](Encoding encoding, uint64_t length, ActivationEncoding activations, uint64_t tokens = 1) {
      all.push_back({fmt::format("{:6} {:5} {} K = {}, {} tokens", isaName(isa), encodingInfo(encoding).name,
                                 schema::EnumNameActivationEncoding(activations), length, tokens),
                     tokens, encoding, length, activations, isa});
    };
    for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16}) {
      for (uint64_t length : {7168u, 2048u, 512u, 128u})
        add(Encoding::Q4_0, length, activations);
      add(Encoding::Q4_0, 7168, activations, 4);
      for (Encoding encoding : {Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K})
        add(encoding, 7168, activations);
    }
    for (Encoding encoding : {Encoding::F32, Encoding::F16, Encoding::BF16})
      add(encoding, 7168, ActivationEncoding::f32);
  }
  return all;
}

void measure(Case &one, unsigned threads, uint64_t bytes) {
  std::unique_ptr<Device> device =
      HostDevice::create({.threads = threads, .workerScratchBytes = 1 << 20, .isa = one.isa}).value();
  std::unique_ptr<ThreadPool> pool = ThreadPool::create(threads).value();
  Workbench bench(*device);
  Stream weight = stream(*device, bench, one.encoding, one.length, bytes);
  Weight shape;
  shape.encoding = one.encoding;
  BoundOperand input = bench.inputFor(shape, bench.numbers(one.tokens, one.length), one.activations);
  PreparedCall call{
      Operation::matmul, Form::few, one.activations, one.tokens, {input, weight.operand, absent()}, {}, {}};
  call.writes = {bench.space(one.tokens, weight.operand.dimensions[1])};
  bench.launch(call);
  double start = now(threads);
  read(*pool, weight);
  double middle = now(threads);
  bench.launch(call);
  double end = now(threads);
  one.speeds.push_back(static_cast<double>(weight.bytes) / (end - middle) / 1e9);
  one.ofRead.push_back((middle - start) / (end - middle));
}

void run(int rounds, uint64_t bytes) {
  for (unsigned threads : {1u, 2u}) {
    std::vector<Case> all = cases();
    for (int round = 0; round < rounds; ++round)
      for (Case &one : all)
        measure(one, threads, bytes);
    for (const Case &one : all)
      fmt::print("{} threads  {:40} {:5.1f} GB/s, {:.2f} of the read\n", threads, one.name, median(one.speeds),
                 median(one.ofRead));
  }
}

} // namespace
} // namespace strata::test

int main(int argc, char **argv) {
  auto number = [&](int at, int otherwise) { return argc > at ? std::max(1, std::atoi(argv[at])) : otherwise; };
  strata::test::run(number(1, 5), static_cast<uint64_t>(number(2, 512)) << 20);
}
