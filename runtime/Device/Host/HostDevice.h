// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The device that is the host's own cores.
#pragma once

#include "runtime/Base/PageMemory.h"
#include "runtime/Device/Device.h"
#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/ThreadPool.h"

#include <memory>
#include <vector>

namespace strata {

struct HostDeviceOptions {
  unsigned threads = 1;            ///< The thread that launches counts as one of them.
  uint64_t workerScratchBytes = 0; ///< The artifact's worker_scratch_bytes (runtime/Device/Host/Scratch.h).
  Isa isa = bestIsa();             ///< At most what the processor has.
};

/// Runs every operation of docs/operations.md on a pool of threads, with the sums of docs/numbers.md: the result has
/// the same bits for any number of threads. `launch` returns when the operation is done, and allocates nothing.
/// One thread at a time may use it.
class HostDevice : public Device {
public:
  /// Exit code 3 if the threads, their scratch or the instruction set cannot be had, 2 if `threads` is 0.
  static Result<std::unique_ptr<HostDevice>> create(const HostDeviceOptions &options);
  HostDevice(const HostDevice &) = delete;
  HostDevice &operator=(const HostDevice &) = delete;

  schema::DeviceKind kind() const override { return schema::DeviceKind::host; }
  /// No huge pages, threads that share cores, less than a core, no fast instructions.
  std::vector<std::string> notes() const override;
  /// The pages are committed by the system when they are first touched.
  Result<std::byte *> allocate(uint64_t bytes) override;
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override;
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override;
  /// Fails only if the call's operation needs more scratch than the device was created with (exit code 1, A18), or a
  /// product's operand is not of the kind that its weight's encoding asks for (exit code 1, A20).
  Result<void> launch(const KernelCall &call) override;
  Result<void> synchronise() override;

private:
  HostDevice(std::unique_ptr<ThreadPool> threadPool, uint64_t scratchBytes, Isa level);

  std::unique_ptr<ThreadPool> pool;
  Isa isa;
  std::vector<PageMemory> memories;
  uint64_t workerScratchBytes;
  std::byte *scratch = nullptr; ///< One piece of workerScratchBytes for each worker.
};

} // namespace strata
