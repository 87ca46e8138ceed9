// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One instruction at a time: given bits go in, bits come out.
#pragma once

#include "runtime/Simulator/Simulator.h"

#include <array>
#include <bit>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace strata::sim {

/// Memory that kernels see, written by the host.
class TestMemory {
public:
  explicit TestMemory(uint64_t bytes, bool written = true)
      : storage(static_cast<std::byte *>(std::aligned_alloc(64, (bytes + 63) / 64 * 64))) {
    std::fill_n(storage.get(), bytes, std::byte(0));
    if (!memory.add(storage.get(), bytes))
      throw std::runtime_error("no allocation");
    if (written)
      memory.markWritten(storage.get(), bytes);
  }
  uint64_t address() const { return reinterpret_cast<uint64_t>(storage.get()); }
  template <typename T> T *as() { return reinterpret_cast<T *>(storage.get()); }

  GlobalMemory memory;

private:
  struct Free {
    void operator()(std::byte *bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> storage;
};

/// An instruction on the operands d (and q, a predicate), a, b, c, e; what their letters say: h 16 bits, r 32, l 64, p
/// a predicate. The first letter is the result's.
struct InstructionCase {
  const char *instruction; ///< "add.s32 d, a, b"
  const char *letters;     ///< "rrr"
  std::array<uint64_t, 4> inputs;
  uint64_t expected;
};

inline std::string operandPtx(char letter, char name, int index) {
  std::string load = fmt::format("ld.global.b64 %in{0}, [%base+{1}];\n", index, 8 * index);
  switch (letter) {
  case 'h':
    return load + fmt::format("cvt.u16.u64 %h{}, %in{};\n", name, index);
  case 'l':
    return load + fmt::format("mov.b64 %l{}, %in{};\n", name, index);
  case 'p':
    return load + fmt::format("setp.ne.u64 %p{}, %in{}, 0;\n", name, index);
  default:
    return load + fmt::format("cvt.u32.u64 %r{}, %in{};\n", name, index);
  }
}

/// A kernel around the instruction: 32 lanes read their inputs, which are the same, and store their results.
inline std::string instructionKernel(const InstructionCase &test) {
  std::string letters = test.letters, text = test.instruction;
  constexpr char kNames[] = {'d', 'a', 'b', 'c', 'e'};
  std::string loads;
  for (size_t i = 1; i < letters.size(); ++i)
    loads += operandPtx(letters[i], kNames[i], static_cast<int>(i) - 1);
  // Single letters that stand alone are operands.
  std::string instruction;
  for (size_t i = 0; i < text.size(); ++i) {
    auto isWord = [&](size_t at) {
      return at < text.size() && (std::isalnum(text[at]) || text[at] == '.' || text[at] == '_' || text[at] == '%');
    };
    size_t operand = std::string_view(kNames, 5).find(text[i]);
    bool alone = !isWord(i + 1) && (i == 0 || !isWord(i - 1));
    if (alone && operand < letters.size())
      instruction += fmt::format("%{}{}", letters[operand], text[i]);
    else if (alone && text[i] == 'q')
      instruction += "%pq";
    else
      instruction += text[i];
  }
  char result = letters[0];
  std::string store = result == 'h'   ? "cvt.u64.u16 %out, %hd;"
                      : result == 'l' ? "mov.b64 %out, %ld;"
                      : result == 'p' ? "selp.u64 %out, 1, 0, %pd;"
                                      : "cvt.u64.u32 %out, %rd;";
  return fmt::format(R"(.version 8.8
.target sm_70
.address_size 64
.visible .entry test(.param .u64 inputs, .param .u64 outputs)
{{
  .reg .b64 %base, %to, %lane, %out, %in<4>, %ld, %la, %lb, %lc, %le;
  .reg .b32 %rd, %ra, %rb, %rc, %re, %tid;
  .reg .b16 %hd, %ha, %hb, %hc, %he;
  .reg .pred %pd, %pa, %pb, %pc, %pe, %pq;
  ld.param.u64 %base, [inputs];
  ld.param.u64 %to, [outputs];
  mov.u32 %tid, %tid.x;
  mul.wide.u32 %lane, %tid, 8;
  add.s64 %to, %to, %lane;
  {}{};
  {}
  st.global.b64 [%to], %out;
  ret;
}})",
                     loads, instruction, store);
}

inline void expectInstruction(const InstructionCase &test) {
  SCOPED_TRACE(fmt::format("{} of {:#x}, {:#x}, {:#x}, {:#x}", test.instruction, test.inputs[0], test.inputs[1],
                           test.inputs[2], test.inputs[3]));
  TestMemory inputs(64);
  TestMemory outputs(256);
  GlobalMemory memory;
  std::copy(test.inputs.begin(), test.inputs.end(), inputs.as<uint64_t>());
  ASSERT_TRUE(memory.add(inputs.as<std::byte>(), 64) && memory.add(outputs.as<std::byte>(), 256));
  memory.markWritten(inputs.as<std::byte>(), 64);
  auto module = Module::load(instructionKernel(test), memory);
  ASSERT_TRUE(module) << module.error().message << "\n" << instructionKernel(test);
  Launcher launcher(memory);
  // All lanes, and all but some: what is computed for a part of a warp must be the same.
  for (uint32_t threads : {32u, 21u}) {
    std::fill_n(outputs.as<uint64_t>(), 32, 0xdeadbeefdeadbeef);
    LaunchOptions options;
    options.block[0] = threads;
    auto counts =
        launcher.launch(*module->find("test"), options, Arguments().add(inputs.address()).add(outputs.address()));
    ASSERT_TRUE(counts) << counts.error().message;
    for (uint32_t lane = 0; lane < threads; ++lane)
      ASSERT_EQ(outputs.as<uint64_t>()[lane], test.expected)
          << fmt::format("{:#x} instead of {:#x}, lane {}", outputs.as<uint64_t>()[lane], test.expected, lane);
  }
}

inline uint64_t bits(float value) {
  return std::bit_cast<uint32_t>(value);
}
inline uint64_t bits(double value) {
  return std::bit_cast<uint64_t>(value);
}

} // namespace strata::sim
