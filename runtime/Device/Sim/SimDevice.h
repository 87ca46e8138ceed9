// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The device that executes an artifact's kernels on the simulator.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Simulator/Simulator.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// One launch of a kernel, as it was.
struct SimLaunch {
  uint32_t kernel = 0; ///< Of the artifact.
  std::array<uint32_t, 3> grid = {1, 1, 1};
  uint32_t threads = 0;
  sim::Counts counts;
};

struct SimDeviceOptions {
  sim::Checks checks = {true, true, false, false}; ///< Without counts.
  uint64_t seed = 0;                               ///< Of the schedule: results must not depend on it.
  std::vector<std::string> ptx; ///< In place of the artifact's, one for every kernel; empty: the artifact's.
  std::function<void(const SimLaunch &)> observer; ///< Called after every launch.
  /// Products of more multiplications are executed on a sample of their CTAs, for counts: what they write is not whole,
  /// and `checks.unwritten` must be off. 0: none are.
  uint64_t mostMacs = 0;
};

/// Its memory is the host's, and an address means the same to both. `launch` returns when all kernels of the dispatch
/// have ended. What a kernel does wrong is exit code 70, in the simulator's words.
class SimDevice : public Device {
public:
  /// Reads the PTX of all kernels. Exit code 1 if an artifact's kernel is nothing that the simulator knows, 3 if the
  /// plan has none.
  static Result<std::unique_ptr<SimDevice>> create(const schema::Artifact &artifact,
                                                   const SimDeviceOptions &options = {});
  ~SimDevice() override;

  schema::DeviceKind kind() const override { return schema::DeviceKind::gpu; }
  Result<std::byte *> allocate(uint64_t bytes) override;
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override;
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override;
  Result<void> launch(const KernelCall &call) override;
  Result<void> repack(uint32_t kernel, std::byte *weight, uint64_t bytes, uint64_t matrices) override;
  Result<void> synchronise() override { return {}; }

  /// What all launches together have done.
  const sim::Counts &counts() const { return total; }

private:
  struct LoadedKernel {
    sim::Module module;
    const sim::Program *program = nullptr;
    uint32_t threads, gridX, rowsPerCta, dynamicSharedBytes, group, perRow, segmentRows;
    bool repeats() const { return segmentRows != 0; }
  };
  struct Free {
    void operator()(std::byte *bytes) const;
  };

  explicit SimDevice(const SimDeviceOptions &chosen) : options(chosen), launcher(memory) {}
  Result<void> load(const schema::Kernel &kernel, std::string_view ptx);
  Result<void> run(uint32_t index, const sim::Arguments &operands, uint64_t rows, uint32_t segment,
                   uint64_t sampledCtas = 0);

  SimDeviceOptions options;
  sim::GlobalMemory memory;
  sim::Launcher launcher;
  sim::Counts total;
  std::vector<LoadedKernel> kernels;
  std::vector<std::unique_ptr<std::byte, Free>> allocations;
};

} // namespace strata
