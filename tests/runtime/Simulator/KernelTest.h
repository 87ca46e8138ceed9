// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Small kernels in PTX: a body, one buffer of 32-bit words, a launch.
#pragma once

#include "runtime/Simulator/Simulator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace strata::sim {

/// A kernel `test(buffer)` with registers %r0–%r19, %f0–%f9, %rd0–%rd9, %p0–%p9 and %h0–%h9. %rd0 is the buffer, %r0
/// the thread and %rd1 the address of the thread's word.
inline std::string kernelText(const std::string &variables, const std::string &body) {
  return fmt::format(R"(.version 8.8
.target sm_70
.address_size 64
.visible .entry test(.param .u64 buffer)
{{
  .reg .b32 %r<20>;
  .reg .f32 %f<10>;
  .reg .b64 %rd<10>;
  .reg .pred %p<10>;
  .reg .b16 %h<10>;
  {}
  ld.param.u64 %rd0, [buffer];
  mov.u32 %r0, %tid.x;
  mul.wide.u32 %rd1, %r0, 4;
  add.s64 %rd1, %rd0, %rd1;
  {}
  ret;
}})",
                     variables, body);
}

/// The buffer, before and after.
struct KernelRun {
  std::string variables = {}, body = {};
  std::vector<uint32_t> words = std::vector<uint32_t>(64);
  bool written = true; ///< The host wrote the buffer.
  LaunchOptions options = {};

  KernelRun(std::string declared, std::string text, uint32_t threads = 32)
      : variables(std::move(declared)), body(std::move(text)) {
    options.block[0] = threads;
  }

  Result<Counts> run() {
    GlobalMemory memory;
    size_t bytes = words.size() * 4;
    auto *buffer = static_cast<std::byte *>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
    std::memcpy(buffer, words.data(), bytes);
    Result<void> added = memory.add(buffer, bytes);
    if (written)
      memory.markWritten(buffer, bytes);
    Result<Counts> result = launch(memory, buffer);
    std::memcpy(words.data(), buffer, bytes);
    std::free(buffer);
    return result;
  }

  /// Runs it, and its words must be these then.
  void expect(const std::vector<uint32_t> &expected) {
    auto result = run();
    ASSERT_TRUE(result) << result.error().message;
    std::vector<uint32_t> first(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    EXPECT_EQ(first, expected);
  }
  /// Runs it; it must fail with a sentence that has this in it.
  void expectFault(const std::string &sentence) {
    auto result = run();
    ASSERT_FALSE(result) << "no fault: " << sentence;
    EXPECT_THAT(result.error().message, testing::HasSubstr(sentence));
  }

private:
  Result<Counts> launch(GlobalMemory &memory, const std::byte *buffer) {
    STRATA_ASSIGN(Module module, Module::load(kernelText(variables, body), memory));
    Launcher launcher(memory);
    return launcher.launch(*module.find("test"), options, Arguments().add(reinterpret_cast<uint64_t>(buffer)));
  }
};

/// A word for each lane.
template <typename F> std::vector<uint32_t> lanes(F f, uint32_t count = 32) {
  std::vector<uint32_t> words;
  for (uint32_t lane = 0; lane < count; ++lane)
    words.push_back(static_cast<uint32_t>(f(lane)));
  return words;
}

} // namespace strata::sim
