// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of a few columns over random shapes, encodings, alignments and hard numbers: every level of instruction set
// has the bits of the portable loops (ProductOrderTest holds those to docs/numbers.md), for any number of threads and
// whatever a column's company, and reads nothing behind the weight's end.
#include "runtime/Device/Host/HostDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace strata::test {
namespace {

/// Memory whose last byte is followed by none that can be read.
class GuardedMemory {
public:
  explicit GuardedMemory(uint64_t wanted) {
    auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    bytes = (wanted + page - 1) / page * page;
    void *mapped = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory = static_cast<std::byte *>(mapped);
    mprotect(memory + bytes, page, PROT_NONE);
    mappedBytes = bytes + page;
  }
  ~GuardedMemory() { munmap(memory, mappedBytes); }
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;

  /// `content` in front of the end, with `gap` bytes between.
  std::byte *place(const std::vector<std::byte> &content, uint64_t gap) {
    std::byte *to = memory + bytes - gap - content.size();
    std::memcpy(to, content.data(), content.size());
    return to;
  }

private:
  std::byte *memory = nullptr;
  uint64_t bytes = 0, mappedBytes = 0;
};

struct Case {
  Encoding encoding = Encoding::Q4_0;
  ActivationEncoding activations = ActivationEncoding::i8;
  uint64_t heads = 1, rows = 1, length = 32, tokens = 1; ///< With heads, rows are those of a head.
  uint64_t gap = 0;                                      ///< Bytes behind the weight that may be read.
  bool hard = false;                                     ///< Hard scales and activations.

  std::string text() const {
    return fmt::format("{} {} {} x [{} x {}], {} tokens, {} bytes before the end, {}", encodingInfo(encoding).name,
                       schema::EnumNameActivationEncoding(activations), heads, rows, length, tokens, gap,
                       hard ? "hard numbers" : "plain numbers");
  }
};

Case randomCase(Workbench &bench) {
  Case one;
  one.encoding = kEncodings[bench.below(std::size(kEncodings))];
  bool blocks = isBlockQuantised(one.encoding);
  one.activations = !blocks          ? ActivationEncoding::f32
                    : bench.below(2) ? ActivationEncoding::i8
                                     : ActivationEncoding::i16;
  one.rows = 1 + bench.below(bench.below(4) == 0 ? 150 : 20);
  one.tokens = 1 + bench.below(8);
  one.gap = 2 * bench.below(32);
  one.hard = bench.below(2) == 0;
  if (!blocks) {
    one.length = 1 + bench.below(700);
  } else if (one.encoding == Encoding::Q6_K) {
    one.length = 256 * (1 + bench.below(6));
  } else {
    // 128 numbers are the short rows of per-head matrices, which have a way of their own.
    constexpr uint64_t kLengths[] = {128, 256, 512, 1024, 1536};
    one.length = bench.below(2) == 0 ? kLengths[bench.below(std::size(kLengths))] : 32 * (1 + bench.below(70));
    if (bench.below(3) == 0)
      one.heads = 2 + bench.below(2);
  }
  if (!blocks)
    one.gap = one.gap / 4 * 4; // Files align numbers.
  return one;
}

void putHalf(std::byte *to, uint16_t bits) {
  std::memcpy(to, &bits, sizeof(bits));
}

/// Blocks of the largest digits of either sign, and scales of f16 that stretch the arithmetic: zeros, denormal,
/// smallest normal, huge, negative, and now and then infinite.
void hardenWeight(Workbench &bench, Weight &weight) {
  constexpr uint16_t kScales[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00, 0xB555, 0x2E66};
  auto scale = [&] { return bench.below(400) == 0 ? uint16_t{0x7C00} : kScales[bench.below(std::size(kScales))]; };
  const EncodingInfo &info = encodingInfo(weight.encoding);
  for (uint64_t at = 0; at < weight.bytes.size(); at += info.bytes) {
    std::byte *block = weight.bytes.data() + at;
    if (bench.below(4) == 0) {
      constexpr int kFills[] = {0x00, 0xFF, 0x80, 0x7F};
      std::memset(block, kFills[bench.below(std::size(kFills))], info.bytes);
    }
    putHalf(block + (weight.encoding == Encoding::Q6_K ? 208 : 0), scale());
    if (weight.encoding == Encoding::Q4_1)
      putHalf(block + 2, scale());
    if (weight.encoding == Encoding::Q6_K)
      for (int i = 192; i < 208; ++i)
        block[i] = bench.below(4) == 0 ? std::byte{0x80} : static_cast<std::byte>(bench.below(256));
  }
}

/// Blocks of very different size, some zero, some of the largest digits with one sign or both.
void hardenActivations(Workbench &bench, Matrix &numbers) {
  for (uint64_t at = 0; at < numbers.numbers.size(); at += 32) {
    double size = std::ldexp(1.0, static_cast<int>(bench.below(160)) - 100);
    uint64_t kind = bench.below(5);
    for (uint64_t i = at; i < std::min<uint64_t>(at + 32, numbers.numbers.size()); ++i)
      numbers.numbers[i] = kind == 0   ? 0
                           : kind == 1 ? -size
                           : kind == 2 ? (i % 2 == 0 ? size : -size)
                                       : static_cast<double>(static_cast<float>(numbers.numbers[i] * size));
  }
}

/// A case's operands in memory of one device, which others can read as well.
struct Operands {
  Operands(Workbench &bench, const Case &shape) : one(shape) {
    Weight weight = bench.weight(one.encoding, one.heads, one.rows, one.length);
    if (one.hard && isBlockQuantised(one.encoding))
      hardenWeight(bench, weight);
    Matrix numbers = bench.numbers(one.tokens, one.heads * one.length);
    if (one.hard)
      hardenActivations(bench, numbers);
    input = bench.inputFor(weight, numbers, one.activations);
    weightOperand = bench.upload(weight);
    memory = std::make_unique<GuardedMemory>(weight.bytes.size() + one.gap);
    weightOperand.data = memory->place(weight.bytes, one.gap);
  }

  /// Of tokens [first, first + count): [count, heads · rows].
  std::vector<float> multiply(Device &device, uint64_t first, uint64_t count) const {
    uint64_t columns = one.heads * one.rows;
    std::vector<float> sums(count * columns, NAN);
    BoundOperand result;
    result.kind = schema::OperandKind::value;
    result.data = reinterpret_cast<std::byte *>(sums.data());
    result.rows = count;
    result.columns = columns;
    result.rowBytes = columns * sizeof(float);
    BoundOperand part = input;
    part.data += first * part.rowBytes;
    part.rows = count;
    PreparedCall call{Operation::matmul, Form::few, one.activations, count, {part, weightOperand}, {result}, {}};
    if (one.heads > 1) {
      call.operation = Operation::head_matmul;
      call.parameters.heads = static_cast<uint32_t>(one.heads);
    } else {
      call.reads.push_back(absent());
    }
    auto launched = device.launch(call.call());
    EXPECT_TRUE(launched) << launched.error().message;
    return sums;
  }

  Case one;
  BoundOperand input, weightOperand;
  std::unique_ptr<GuardedMemory> memory;
};

/// The same bits; one NaN is as good as another.
bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof(a)) == 0;
}

void expectSame(std::span<const float> actual, std::span<const float> expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_TRUE(same(actual[i], expected[i])) << "sum " << i << ": " << actual[i] << " and not " << expected[i];
}

std::vector<std::unique_ptr<Device>> fastDevices(unsigned threads) {
  std::vector<std::unique_ptr<Device>> devices;
  for (Isa isa : {Isa::avx2, Isa::avx512})
    if (isa <= bestIsa())
      devices.push_back(HostDevice::create({.threads = threads, .workerScratchBytes = 1 << 16, .isa = isa}).value());
  return devices;
}

TEST(FewColumns, EveryLevelHasThePortableBits) {
  std::unique_ptr<Device> portable =
      HostDevice::create({.threads = 1, .workerScratchBytes = 1 << 16, .isa = Isa::portable}).value();
  std::vector<std::vector<std::unique_ptr<Device>>> byThreads;
  for (unsigned threads = 1; threads <= 4; ++threads)
    byThreads.push_back(fastDevices(threads));
  for (uint32_t seed = 1; seed <= 1500; ++seed) {
    Workbench bench(*portable, seed);
    Operands operands(bench, randomCase(bench));
    const Case &one = operands.one;
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, one.text()));
    std::vector<float> expected = operands.multiply(*portable, 0, one.tokens);
    uint64_t columns = one.heads * one.rows, alone = bench.below(one.tokens);
    for (const std::unique_ptr<Device> &device : byThreads[seed % byThreads.size()]) {
      expectSame(operands.multiply(*device, 0, one.tokens), expected);
      // A column has the same bits without the others.
      expectSame(operands.multiply(*device, alone, 1), std::span(expected).subspan(alone * columns, columns));
    }
    if (HasFatalFailure())
      return;
  }
}

TEST(FewColumns, LongRowsAreTakenInParts) {
  // More than the activations' place in the cache holds at a time, and a last group that is not whole.
  std::unique_ptr<Device> portable =
      HostDevice::create({.threads = 1, .workerScratchBytes = 1 << 16, .isa = Isa::portable}).value();
  for (uint64_t tokens : {1u, 2u, 5u})
    for (uint64_t length : {18432u, 32 * 3003u}) {
      Workbench bench(*portable);
      Operands operands(bench, {.activations = ActivationEncoding::i16, .rows = 3, .length = length, .tokens = tokens});
      std::vector<float> expected = operands.multiply(*portable, 0, tokens);
      for (const std::unique_ptr<Device> &device : fastDevices(2))
        expectSame(operands.multiply(*device, 0, tokens), expected);
    }
}

TEST(FewColumns, NarrowedMatricesHaveTheBitsOfF32) {
  for (const std::string &name : deviceNames()) {
    SCOPED_TRACE(name);
    std::unique_ptr<Device> device = makeDevice(name);
    Workbench bench(*device);
    Operands wide(
        bench,
        {.encoding = Encoding::F32, .activations = ActivationEncoding::f32, .rows = 21, .length = 203, .tokens = 3});
    std::vector<std::byte> halves;
    for (uint64_t at = 0; at < 21 * 203 * 4; at += 4) {
      std::memset(wide.weightOperand.data + at, 0, 2);
      halves.insert(halves.end(), wide.weightOperand.data + at + 2, wide.weightOperand.data + at + 4);
    }
    std::vector<float> expected = wide.multiply(*device, 0, 3);
    wide.weightOperand.encoding = Encoding::BF16;
    wide.weightOperand.rowBytes /= 2;
    wide.weightOperand.data = wide.memory->place(halves, 0);
    expectSame(wide.multiply(*device, 0, 3), expected);
  }
}

} // namespace
} // namespace strata::test
