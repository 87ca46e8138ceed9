// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the devices' conformance suite does not ask: shapes over the tiles of these kernels, numbers at the edges of
// their integers, fused kernels, and that the simulator's checks see a kernel that is broken.
#include "tests/compiler/Codegen/KernelDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

#include <array>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <gmock/gmock.h>

namespace strata::test {
namespace {

constexpr Encoding kBlocked[] = {Encoding::Q4_0, Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K};

struct KernelTest : testing::Test {
  std::unique_ptr<KernelDevice> device = KernelDevice::create(0);
  Workbench bench{*device};

  PreparedCall matmul(Form form, ActivationEncoding activations, BoundOperand input, const Weight &weight) {
    PreparedCall call{Operation::matmul, form, activations, input.rows, {}, {}, {}};
    call.reads = {input, bench.upload(weight), absent()};
    call.writes = {bench.space(input.rows, weight.dimensions[1])};
    return call;
  }
  Matrix product(Form form, ActivationEncoding activations, BoundOperand input, const Weight &weight) {
    PreparedCall call = matmul(form, activations, input, weight);
    bench.launch(call);
    return bench.download(call.writes[0]);
  }
  /// The message of the error that a launch of the broken kernel ends with.
  std::string brokenBy(const PreparedCall &call, const std::string &text, const std::string &replacement) {
    bool found = false;
    device->change = [&](std::string source) {
      if (size_t at = source.rfind(text); at != std::string::npos) {
        found = true;
        source.replace(at, text.size(), replacement);
      }
      return source;
    };
    auto launched = device->launch(call.call());
    device->change = nullptr;
    EXPECT_TRUE(found) << "the kernel has no " << text;
    EXPECT_TRUE(launched || launched.error().code == ExitCode::Bug) << launched.error().message;
    return launched ? "" : launched.error().message;
  }
};

TEST_F(KernelTest, ManyColumnsOverATile) {
  struct Shape {
    uint64_t tokens, rows, length;
    const char *reason;
  };
  for (Shape shape : {Shape{64, 64, 64, "one tile, one step"},
                      {65, 65, 96, "one over a tile both ways, half a step left"},
                      {130, 33, 256, "three tiles of tokens, half a tile of rows"},
                      {1, 200, 32, "one token, one block"}})
    for (Encoding encoding : kBlocked)
      for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16}) {
        if (encoding == Encoding::Q6_K)
          shape.length = (shape.length + 255) / 256 * 256;
        SCOPED_TRACE(fmt::format("{} {}: {}", encodingInfo(encoding).name,
                                 schema::EnumNameActivationEncoding(activations), shape.reason));
        Weight weight = bench.weight(encoding, 1, shape.rows, shape.length);
        BoundOperand input = bench.activation(bench.numbers(shape.tokens, shape.length), activations);
        Matrix numbers = bench.downloadActivation(input, activations);
        expectWithin(product(Form::many, activations, input, weight), reference::matmul(numbers, weight.numbers),
                     reference::matmul(absolute(numbers), absolute(weight.numbers)), 1e-6);
      }
}

TEST_F(KernelTest, GateAndUpMayBeEncodedDifferently) {
  for (auto [gateEncoding, upEncoding] :
       {std::pair{Encoding::Q4_0, Encoding::Q6_K}, {Encoding::Q4_1, Encoding::Q8_0}, {Encoding::F16, Encoding::F32}})
    for (Form form : kForms) {
      SCOPED_TRACE(fmt::format("{} and {}, {}", encodingInfo(gateEncoding).name, encodingInfo(upEncoding).name,
                               schema::EnumNameForm(form)));
      Weight gate = bench.weight(gateEncoding, 1, 40, 256), up = bench.weight(upEncoding, 1, 40, 256);
      BoundOperand input = bench.inputFor(gate, bench.numbers(9, 256, 0.1), ActivationEncoding::i8);
      PreparedCall call{Operation::gated_matmul, form, ActivationEncoding::i8, 9, {}, {bench.space(9, 40)}, {}};
      call.reads = {input, bench.upload(gate), bench.upload(up)};
      bench.launch(call);
      Matrix numbers = bench.downloadActivation(input, ActivationEncoding::i8);
      expectClose(bench.download(call.writes[0]), reference::gatedMatmul(numbers, gate.numbers, up.numbers), 1e-5);
    }
}

TEST_F(KernelTest, TheLargestDigitsDoNotOverflow) {
  // All digits at their limits and of one sign: the largest integers that a block can make.
  for (Encoding encoding : kBlocked)
    for (int fill : {0x00, 0xFF, 0x80, 0x7F})
      for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16})
        for (Form form : kForms) {
          SCOPED_TRACE(fmt::format("{} of {:#x}, {} {}", encodingInfo(encoding).name, fill,
                                   schema::EnumNameActivationEncoding(activations), schema::EnumNameForm(form)));
          Weight weight = bench.weight(encoding, 1, 3, 512);
          std::memset(weight.bytes.data(), fill, weight.bytes.size());
          if (encoding == Encoding::Q4_1) // The minimum is behind the scale.
            for (size_t at = 2; at < weight.bytes.size(); at += 20)
              weight.bytes[at] = weight.bytes[at + 1] = std::byte{0x11};
          setScales(weight, {0x3C00, 0x7BFF}); // 1 and 65504
          Matrix ones(2, 512);
          std::fill_n(ones.numbers.begin(), 512, -3.0);
          std::fill_n(ones.numbers.begin() + 512, 512, 3.0);
          BoundOperand input = bench.activation(ones, activations);
          Matrix numbers = bench.downloadActivation(input, activations);
          expectWithin(product(form, activations, input, weight), reference::matmul(numbers, weight.numbers),
                       reference::matmul(absolute(numbers), absolute(weight.numbers)), 1e-6);
        }
}

TEST_F(KernelTest, ANanStaysInItsRowAndItsColumn) {
  for (Encoding encoding : kBlocked)
    for (Form form : kForms) {
      SCOPED_TRACE(fmt::format("{} {}", encodingInfo(encoding).name, schema::EnumNameForm(form)));
      Weight weight = bench.weight(encoding, 1, 70, 256);
      // Row 5 of the weight has a scale of NaN, row 2 of the input an infinity.
      const EncodingInfo &info = encodingInfo(encoding);
      uint16_t nan = 0x7E00;
      std::memcpy(weight.bytes.data() + 5 * weight.bytes.size() / 70 + (encoding == Encoding::Q6_K ? 208 : 0), &nan, 2);
      ASSERT_EQ(weight.bytes.size() % info.bytes, 0u);
      Matrix numbers = bench.numbers(67, 256);
      numbers.at(2, 100) = INFINITY;
      Matrix result = product(form, ActivationEncoding::i8, bench.activation(numbers, ActivationEncoding::i8), weight);
      for (uint64_t row = 0; row < result.rows; ++row)
        for (uint64_t column = 0; column < result.columns; ++column)
          ASSERT_EQ(std::isnan(result.at(row, column)), row == 2 || column == 5) << row << ", " << column;
    }
}

TEST_F(KernelTest, BitsAreTheSameForAnyNumberOfColumnsTogether) {
  Weight weight = bench.weight(Encoding::Q4_0, 1, 40, 7168);
  for (ActivationEncoding activations : kActivations) {
    BoundOperand input = bench.activation(bench.numbers(8, 7168), activations);
    Matrix together = product(Form::few, activations, input, weight);
    for (uint64_t count : {1u, 2u, 3u}) {
      BoundOperand part = input;
      part.rows = count;
      Matrix result = product(Form::few, activations, part, weight);
      for (uint64_t i = 0; i < result.numbers.size(); ++i)
        ASSERT_EQ(result.numbers[i], together.numbers[i]) << count << " columns";
    }
  }
}

TEST_F(KernelTest, FusedNormAndQuantiseIsOneAfterTheOther) {
  for (uint32_t width : {32u, 96u, 7168u})
    for (ActivationEncoding activations : kActivations) {
      SCOPED_TRACE(fmt::format("{} {}", width, schema::EnumNameActivationEncoding(activations)));
      BoundOperand input = bench.upload(bench.numbers(3, width)), weight = bench.upload(bench.numbers(1, width));
      kernels::Request request;
      request.operation = Operation::rms_norm;
      request.activations = activations;
      request.columns = width;
      request.epsilon = 1e-6f;
      BoundOperand normed = bench.space(3, width);
      ASSERT_TRUE(device->run(request, {input.data, weight.data, normed.data}, 3));
      BoundOperand expected = bench.activation(bench.download(normed), activations);
      BoundOperand fused = expected, both = expected, kept = bench.space(3, width);
      fused.data = device->allocate(3 * expected.rowBytes).value();
      both.data = device->allocate(3 * expected.rowBytes).value();
      request.kind = kernels::Kind::RmsNormQuantise;
      ASSERT_TRUE(device->run(request, {input.data, weight.data, fused.data}, 3));
      request.kind = kernels::Kind::RmsNormBoth;
      ASSERT_TRUE(device->run(request, {input.data, weight.data, kept.data, both.data}, 3));
      EXPECT_EQ(bench.bytesOf(fused), bench.bytesOf(expected));
      EXPECT_EQ(bench.bytesOf(both), bench.bytesOf(expected));
      EXPECT_EQ(bench.bytesOf(kept), bench.bytesOf(normed));
    }
}

TEST_F(KernelTest, TensorCoresAreWorthIt) {
  // The same product by dot products, eight columns at a time, and on tensor cores: the decision of the many-column
  // form.
  Weight weight = bench.weight(Encoding::Q4_0, 1, 128, 1024);
  BoundOperand input = bench.activation(bench.numbers(128, 1024), ActivationEncoding::i8);
  auto countsOf = [&](Form form) {
    PreparedCall call = matmul(form, ActivationEncoding::i8, input, weight);
    bench.launch(call); // Repacks and loads.
    device->counts = {};
    bench.launch(call);
    return device->counts;
  };
  sim::Counts dots = countsOf(Form::few), tiles = countsOf(Form::many);
  auto print = [](const char *name, const sim::Counts &counts) {
    std::string classes;
    for (size_t i = 0; i < sim::kInstructionClasses; ++i)
      if (counts.warpByClass[i] > 0)
        classes += fmt::format(", {} {}", counts.warpByClass[i], sim::instructionClassName(sim::InstructionClass(i)));
    fmt::print("{}: {} warp instructions{}; {} sectors, {} shared passes\n", name, counts.warpInstructions, classes,
               counts.globalSectors, counts.sharedPasses);
  };
  print("dot products", dots);
  print("tensor cores", tiles);
  EXPECT_LT(tiles.warpInstructions * 2, dots.warpInstructions);
  EXPECT_LT(tiles.globalSectors * 4, dots.globalSectors);
}

TEST_F(KernelTest, ExactDigitsAreBetterThanDigitsTimesScale) {
  // Tensor cores fed with digit · scale in f16, which needs no f32 work per block, against exact digits and an f32
  // multiply-add per block. A row of the real model's length.
  Weight weight = bench.weight(Encoding::Q4_0, 1, 128, 7168);
  Matrix numbers = bench.numbers(64, 7168);
  BoundOperand input = bench.activation(numbers, ActivationEncoding::i8);
  Matrix digits = bench.downloadActivation(input, ActivationEncoding::i8);
  Matrix expected = reference::matmul(digits, weight.numbers);
  PreparedCall call = matmul(Form::many, ActivationEncoding::i8, input, weight);
  struct Outcome {
    double error;
    sim::Counts counts;
  };
  auto run = [&] {
    bench.launch(call); // Repacks and loads.
    device->counts = {};
    bench.launch(call);
    sim::Counts counts = device->counts;
    Matrix result = bench.download(call.writes[0]);
    double wrong = 0, all = 0;
    for (size_t i = 0; i < result.numbers.size(); ++i) {
      wrong += std::pow(result.numbers[i] - expected.numbers[i], 2);
      all += std::pow(expected.numbers[i], 2);
    }
    return Outcome{std::sqrt(wrong / all), counts};
  };
  Outcome exact = run();
  device->change = [](std::string source) {
    auto replace = [&](const std::string &text, const std::string &by) {
      size_t times = 0;
      for (size_t at = 0; (at = source.find(text, at)) != std::string::npos; at += by.size(), ++times)
        source.replace(at, text.size(), by);
      EXPECT_GT(times, 0u) << "the kernel has no " << text;
    };
    if (source.find("matmulMany") == std::string::npos)
      return source; // The repacking kernel.
    replace("/// sums = a · b (+ sums)", R"(
__device__ __forceinline__ void storeScaled(const unsigned (&words)[8], float scale, unsigned row, unsigned block,
                                            uint4 (&units)[8]) {
  unsigned factor;
  asm("{ .reg .b16 h; cvt.rn.f16.f32 h, %1; mov.b32 %0, {h, h}; }" : "=r"(factor) : "f"(scale));
  for (unsigned i = 0; i < 4; ++i) {
    uint2 first = bytesToHalves(words[2 * i]), second = bytesToHalves(words[2 * i + 1]);
    asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(first.x) : "r"(factor));
    asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(first.y) : "r"(factor));
    asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(second.x) : "r"(factor));
    asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(second.y) : "r"(factor));
    units[(4 * block + i) ^ (row % 8)] = make_uint4(first.x, first.y, second.x, second.y);
  }
}
/// sums = a · b (+ sums))");
    replace("storeHalves(words, column,", "storeScaled(words, scale, column,");
    replace("storeHalves(unpacked.words, row,", "storeScaled(unpacked.words, first, row,");
    replace("rows[j].y, products[i][j])", "rows[j].y, sums[i][j])");
    replace("rows[j].w, products[i][j])", "rows[j].w, sums[i][j])");
    replace("sums[i][j][e] = fmaf(scale, products[i][j][e], sums[i][j][e]);", "");
    return source;
  };
  Outcome scaled = run();
  device->change = nullptr;
  for (const auto &[name, outcome] : {std::pair{"exact digits", &exact}, {"digit times scale", &scaled}})
    fmt::print("{}: error {:.2e}, {} warp instructions, {} of f32\n", name, outcome->error,
               outcome->counts.warpInstructions,
               outcome->counts.warpByClass[static_cast<size_t>(sim::InstructionClass::float32)]);
  EXPECT_LT(exact.error, 1e-6);
  EXPECT_GT(scaled.error, 100 * exact.error);
  EXPECT_LT(scaled.counts.warpInstructions, exact.counts.warpInstructions);
}

TEST_F(KernelTest, TensorCoresAreWorthItInAttention) {
  // 16 of V3.1's heads over 1000 positions, on CUDA cores and on tensor cores with one f16 number or two for each query
  // and probability.
  constexpr uint64_t kHeads = 16, kLatent = 512, kRope = 64, kContext = 1000;
  TestCache cache = bench.cache(1, kContext, kLatent, kRope, KvEncoding::f16, true);
  reference::Cache cached = {bench.fill(cache, 0, bench.numbers(kContext, kLatent + kRope))};
  Matrix queries = bench.numbers(1, kHeads * kLatent), rotated = bench.numbers(1, kHeads * kRope);
  BoundOperand absorbed = bench.upload(queries), turned = bench.upload(rotated), kv = bench.operand(cache);
  std::vector<int32_t> positions = {kContext - 1}, sequences = {0};
  BoundOperand result = bench.space(1, kHeads * kLatent);
  KernelDevice::Pointers pointers = {absorbed.data,
                                     turned.data,
                                     kv.kv->layer,
                                     reinterpret_cast<const std::byte *>(kv.kv->blockTable),
                                     bench.upload(positions).data,
                                     bench.upload(sequences).data,
                                     result.data};
  Matrix expected =
      reference::attention(queries, rotated, cached, positions, sequences, {kHeads, kLatent, 0.1352337789f});
  std::array<uint64_t, 3> instructions = {};
  std::array<double, 3> errors = {};
  for (uint32_t parts : {0u, 1u, 2u}) {
    kernels::Request request;
    request.operation = Operation::attention;
    request.heads = kHeads;
    request.latent = kLatent;
    request.rope = kRope;
    request.blocksPerSequence = kv.kv->blocksPerSequence;
    request.scale = 0.1352337789f;
    request.attentionParts = parts;
    device->counts = {};
    auto launched = device->run(request, pointers, 1);
    ASSERT_TRUE(launched) << launched.error().message;
    instructions[parts] = device->counts.warpInstructions;
    Matrix got = bench.download(result);
    double wrong = 0, all = 0;
    for (size_t i = 0; i < got.numbers.size(); ++i) {
      wrong += std::pow(got.numbers[i] - expected.numbers[i], 2);
      all += std::pow(expected.numbers[i], 2);
    }
    errors[parts] = wrong / all;
    fmt::print("{} parts: {} warp instructions, {} mma, {} sectors, {} shared passes, error {:.2e}\n", parts,
               instructions[parts], device->counts.warpByClass[size_t(sim::InstructionClass::tensor)],
               device->counts.globalSectors, device->counts.sharedPasses, errors[parts]);
  }
  EXPECT_LT(instructions[2] * 2, instructions[0]);
  EXPECT_LT(instructions[1], instructions[2]);
  EXPECT_LT(errors[2], 1e-11);
  EXPECT_GT(errors[1], 1e-9); // What the second part is for.
}

// ---- Broken kernels: the checks must see them -----------------------------------------------------------------------

TEST_F(KernelTest, AMissingBarrierIsSeen) {
  Weight weight = bench.weight(Encoding::Q4_0, 1, 64, 256);
  PreparedCall call = matmul(Form::many, ActivationEncoding::i8,
                             bench.activation(bench.numbers(64, 256), ActivationEncoding::i8), weight);
  std::string message = brokenBy(call, "      store(stages[(step + 1) % 2]);\n    __syncthreads();",
                                 "      store(stages[(step + 1) % 2]);");
  EXPECT_THAT(message, testing::HasSubstr("shared")) << "no error";
}

TEST_F(KernelTest, AMissingBarrierInAttentionIsSeen) {
  TestCache cache = bench.cache(1, 64, 64, 16, KvEncoding::f16, true);
  bench.fill(cache, 0, bench.numbers(64, 80));
  PreparedCall call{Operation::attention, Form::few, ActivationEncoding::i16, 1, {}, {}, {}};
  call.reads = {bench.upload(bench.numbers(1, 4 * 64)), bench.upload(bench.numbers(1, 4 * 16)), bench.operand(cache),
                bench.upload(std::vector<int32_t>{63}), bench.upload(std::vector<int32_t>{0})};
  call.writes = {bench.space(1, 4 * 64)};
  call.parameters.heads = 4;
  call.parameters.scale = 0.1f;
  bench.launch(call);
  std::string message = brokenBy(call, "    __syncthreads();\n    addTensorTile", "    addTensorTile");
  EXPECT_THAT(message, testing::HasSubstr("shared")) << "no error";
}

TEST_F(KernelTest, ATileThatIsOneTooLongIsSeen) {
  Weight weight = bench.weight(Encoding::Q4_0, 1, 33, 256);
  PreparedCall call = matmul(Form::few, ActivationEncoding::i16,
                             bench.activation(bench.numbers(1, 256), ActivationEncoding::i16), weight);
  EXPECT_NE(brokenBy(call, "== lane && row < N &&", "== lane && row < N + 1 &&"), "");
}

TEST_F(KernelTest, AMissingSyncwarpIsSeen) {
  PreparedCall call{Operation::route, Form::few, ActivationEncoding::i16, 3, {}, {}, {}};
  call.reads = {bench.upload(bench.numbers(3, 256, 4)), absent()};
  call.writes = {bench.upload(std::vector<int32_t>(3 * 8, -1), 8), bench.space(3, 8)};
  call.parameters.groups = 8;
  call.parameters.groupsUsed = 4;
  call.parameters.expertsUsed = 8;
  std::string message = brokenBy(call, "    __syncwarp();\n    maskGroups", "    maskGroups");
  EXPECT_THAT(message, testing::HasSubstr("shared")) << "no error";
}

} // namespace
} // namespace strata::test
