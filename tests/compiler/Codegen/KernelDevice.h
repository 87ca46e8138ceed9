// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A device whose operations are the CUDA kernels, compiled by NVRTC and run on the simulator: with it the conformance
// suite of tests/runtime/Device tests the kernels.
#pragma once

#include "compiler/Codegen/Nvrtc.h"
#include "compiler/Kernels/Geometry.h"
#include "runtime/Device/Device.h"
#include "runtime/Simulator/Simulator.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace strata::test {

class KernelDevice : public Device {
public:
  /// `seed` permutes the simulator's order of CTAs, warps and diverged lanes.
  static std::unique_ptr<KernelDevice> create(uint64_t seed);

  schema::DeviceKind kind() const override { return schema::DeviceKind::host; }
  Result<std::byte *> allocate(uint64_t bytes) override;
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override;
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override;
  Result<void> launch(const KernelCall &call) override;
  Result<void> synchronise() override { return {}; }

  /// The kernels of a request, on operands in the order of its plan's parameters.
  using Pointers = std::vector<const std::byte *>;
  Result<void> run(const kernels::Request &request, const Pointers &pointers, uint64_t rows,
                   std::span<const float> frequencies = {});

  /// Changes a kernel's source before it is compiled: for tests that break one.
  std::function<std::string(std::string)> change;
  /// What the launches since the beginning did.
  sim::Counts counts;

private:
  explicit KernelDevice(Nvrtc &&opened, uint64_t launchSeed);
  /// The kernels of a plan; those that are new are compiled together.
  Result<std::vector<const sim::Program *>> load(const kernels::Plan &plan, bool residual,
                                                 std::span<const float> frequencies);
  /// The device's form of a weight, made anew for every call: tests change weights in place.
  Result<const std::byte *> repacked(const BoundOperand &weight);

  Nvrtc nvrtc;
  uint64_t seed;
  sim::GlobalMemory memory;
  sim::Launcher launcher{memory};
  std::vector<std::unique_ptr<std::byte[], void (*)(std::byte *)>> allocations;
  std::map<std::string, std::unique_ptr<sim::Module>> loaded; ///< By source; each has one kernel.
};

/// One NVRTC for all tests of the program.
const Nvrtc &testNvrtc();

} // namespace strata::test
