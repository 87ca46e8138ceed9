// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A GPU of the CPU's: it executes PTX as a V100 would, lane by lane in lock step, checks what it does and counts it
// (docs/simulator.md).
#pragma once

#include "runtime/Simulator/WarpState.h"

#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace strata::sim {

/// A loaded module: its kernels, decoded, and its variables in memory.
class Module {
public:
  /// Reads and decodes all kernels; what is not known is refused here, and not when it is run. Exit code 1.
  static Result<Module> load(std::string_view ptx, GlobalMemory &memory);
  ~Module();
  Module(Module &&) noexcept;
  Module &operator=(Module &&) noexcept;

  /// Null if there is no kernel of that name.
  const Program *find(std::string_view kernel) const;
  std::vector<std::string> kernels() const;

private:
  struct Parts;
  explicit Module(std::unique_ptr<Parts> loaded);
  std::unique_ptr<Parts> parts;
};

struct LaunchOptions {
  std::array<uint32_t, 3> grid = {1, 1, 1};  ///< CTAs.
  std::array<uint32_t, 3> block = {1, 1, 1}; ///< Threads of one.
  uint32_t dynamicSharedBytes = 0;
  uint64_t seed = 0; ///< Permutes CTAs, warps and the sides of divergent branches; 0 keeps their order.
  Checks checks;
  /// Executes about this many CTAs (Sample.h) and estimates the counts of all from them; 0: all. The results of a
  /// sample are not complete.
  uint64_t sampledCtas = 0;
  uint64_t mostWarpInstructions = uint64_t(1) << 40; ///< An endless loop ends here.
};

/// The parameters of a kernel, one after the other: pointers and numbers, of the sizes that the kernel declares.
class Arguments {
public:
  template <typename T> Arguments &add(T value) {
    std::vector<std::byte> bytes(sizeof(T));
    std::memcpy(bytes.data(), &value, sizeof(T));
    values.push_back(std::move(bytes));
    return *this;
  }
  const std::vector<std::vector<std::byte>> &all() const { return values; }

private:
  std::vector<std::vector<std::byte>> values;
};

/// Runs a grid to its end. Fails with exit code 1 if the launch does not fit the kernel or sm_70's limits, and with
/// exit code 70 for what a kernel did wrong: the sentence names the kernel, the line of its PTX, the thread and the
/// address. One launcher is used by one thread at a time; it keeps its memory from launch to launch.
class Launcher {
public:
  explicit Launcher(GlobalMemory &globalMemory);
  ~Launcher();
  Launcher(const Launcher &) = delete;
  Launcher &operator=(const Launcher &) = delete;

  Result<Counts> launch(const Program &program, const LaunchOptions &options, const Arguments &arguments);

private:
  struct Scratch;
  GlobalMemory &memory;
  std::unique_ptr<Scratch> scratch;
};

} // namespace strata::sim
