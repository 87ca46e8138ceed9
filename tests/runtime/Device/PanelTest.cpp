// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of a prompt over random shapes, encodings, places and numbers: every level of instruction set has the bits
// of the portable loops, which ProductOrderTest holds to docs/numbers.md.
#include "tests/runtime/Device/DeviceTest.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

namespace strata::test {
namespace {

/// Bytes that end where memory ends: what reads past them stops the program.
class GuardedBytes {
public:
  explicit GuardedBytes(const std::vector<std::byte> &bytes) {
    auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    uint64_t whole = (bytes.size() + page - 1) / page * page;
    mapped = whole + page;
    memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    EXPECT_EQ(mprotect(static_cast<std::byte *>(memory) + whole, page, PROT_NONE), 0);
    begin = static_cast<std::byte *>(memory) + whole - bytes.size();
    std::memcpy(begin, bytes.data(), bytes.size());
  }
  ~GuardedBytes() { munmap(memory, mapped); }
  GuardedBytes(const GuardedBytes &) = delete;
  GuardedBytes &operator=(const GuardedBytes &) = delete;

  std::byte *data() const { return begin; }

private:
  void *memory = nullptr;
  uint64_t mapped = 0;
  std::byte *begin = nullptr;
};

/// One random product.
struct ProductCase {
  Encoding encoding;
  ActivationEncoding activations;
  uint64_t heads, rows, length, tokens, offset;
  unsigned threads;
  bool hard; ///< Scales and numbers that stretch the arithmetic.

  std::string name() const {
    return fmt::format("{} {} [{}, {}, {}], {} tokens, offset {}, {} threads{}", encodingInfo(encoding).name,
                       schema::EnumNameActivationEncoding(activations), heads, rows, length, tokens, offset, threads,
                       hard ? ", hard" : "");
  }
};

struct PanelTest : DeviceTest {
  /// All devices of this file are the host: what one has in memory the other reads.
  std::unique_ptr<Device> portable = makeDevice("host_portable", 1);

  uint64_t between(uint64_t least, uint64_t most) { return least + bench.below(most - least + 1); }

  ProductCase randomCase(const std::vector<Encoding> &encodings) {
    ProductCase random{};
    random.encoding = encodings[bench.below(encodings.size())];
    bool digits = isBlockQuantised(random.encoding);
    random.activations = !digits               ? ActivationEncoding::f32
                         : bench.below(2) != 0 ? ActivationEncoding::i16
                                               : ActivationEncoding::i8;
    random.heads = bench.below(3) == 0 ? between(2, 5) : 1;
    random.rows = between(1, random.heads == 1 ? 300 : 70);
    uint64_t unit = random.encoding == Encoding::Q6_K ? 256 : digits ? 32 : 1;
    random.length = unit * between(1, digits ? 2200 / unit : 900);
    random.tokens = between(1, 70);
    random.offset = 2 * bench.below(32);
    random.threads = static_cast<unsigned>(between(1, 3));
    random.hard = bench.below(2) == 0;
    return random;
  }

  Weight weightOf(const ProductCase &product) {
    Weight weight = bench.weight(product.encoding, product.heads, product.rows, product.length);
    // 1; 0; the smallest; the largest; -1; 2^-14 + 1 ulp; infinity.
    if (product.hard && isBlockQuantised(product.encoding))
      setScales(weight, {0x3C00, 0x0000, 0x0001, 0x7BFF, 0xBC00, 0x0401, 0x3C00, 0x3C00, 0x3C00, 0x7C00, 0x3C01});
    // Digits at the ends of what a byte or half a byte holds, but not in the scales.
    if (product.hard && product.encoding == Encoding::Q8_0)
      for (uint64_t at = 0; at < weight.bytes.size(); at += 34)
        std::memset(weight.bytes.data() + at + 2, at % 4 == 0 ? 0x80 : 0x7F, 32);
    return weight;
  }

  Matrix numbersOf(const ProductCase &product) {
    Matrix numbers = bench.numbers(product.tokens, product.heads * product.length);
    for (uint64_t token = 0; product.hard && token < product.tokens; ++token)
      for (uint64_t i = 0; i < numbers.columns; ++i) {
        double sign = i % 2 == 0 ? 1 : -1;
        switch (token % 7) {
        case 0:
          numbers.at(token, i) = sign * 3; // All digits are the largest.
          break;
        case 1:
          numbers.at(token, i) = -1; // The low digits are the lowest.
          break;
        case 2:
          numbers.at(token, i) = 0;
          break;
        case 3:
          numbers.at(token, i) = i % 32 == 9 ? 1e20 : numbers.at(token, i);
          break;
        case 4:
          numbers.at(token, i) = i == 5 ? std::numeric_limits<double>::quiet_NaN() : numbers.at(token, i);
          break;
        default:
          break;
        }
      }
    return numbers;
  }

  void expectPortableBits(const ProductCase &product) {
    SCOPED_TRACE(product.name());
    Weight weight = weightOf(product);
    BoundOperand input = bench.inputFor(weight, numbersOf(product), product.activations);
    BoundOperand operand = bench.upload(weight, product.offset);
    GuardedBytes guarded(weight.bytes);
    if (product.offset == 0)
      operand.data = guarded.data();
    BoundOperand expected = bench.space(product.tokens, product.heads * product.rows), actual = expected;
    actual = bench.space(product.tokens, product.heads * product.rows);
    auto callFor = [&](const BoundOperand &result) {
      PreparedCall call{Operation::matmul, Form::many, product.activations, product.tokens, {input, operand},
                        {result},          {}};
      if (product.heads > 1) {
        call.operation = Operation::head_matmul;
        call.parameters.heads = static_cast<uint32_t>(product.heads);
      } else {
        call.reads.push_back(absent());
      }
      return call;
    };
    PreparedCall reference = callFor(expected), call = callFor(actual);
    ASSERT_TRUE(portable->launch(reference.call()));
    std::unique_ptr<Device> threaded = makeDevice(GetParam(), product.threads);
    ASSERT_TRUE(threaded->launch(call.call()));
    compare(bench.download(expected), bench.download(actual));
  }

  static void compare(const Matrix &expected, const Matrix &actual) {
    uint64_t different = 0;
    for (uint64_t i = 0; i < expected.numbers.size(); ++i) {
      auto a = static_cast<float>(expected.numbers[i]), b = static_cast<float>(actual.numbers[i]);
      bool same = std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
      if (!same && different++ == 0)
        ADD_FAILURE() << "token " << i / expected.columns << " row " << i % expected.columns << ": " << b << " is not "
                      << a;
    }
    EXPECT_EQ(different, 0U) << "of " << expected.numbers.size();
  }
};
STRATA_ON_EVERY_DEVICE(PanelTest);

TEST_P(PanelTest, RandomDigitProductsHaveThePortableBits) {
  for (int round = 0; round < 120; ++round)
    expectPortableBits(randomCase({Encoding::Q4_0, Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K}));
}

TEST_P(PanelTest, RandomNumberProductsHaveThePortableBits) {
  for (int round = 0; round < 60; ++round)
    expectPortableBits(randomCase({Encoding::F32, Encoding::F16, Encoding::BF16}));
}

TEST_P(PanelTest, EveryNumberOfColumnsHasThePortableBits) {
  for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16})
    for (uint64_t tokens = 1; tokens <= 70; ++tokens)
      expectPortableBits({Encoding::Q4_0, activations, 1, 33, 96, tokens, 2 * (tokens % 3), 1, false});
}

} // namespace
} // namespace strata::test
