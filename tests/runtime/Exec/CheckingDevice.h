// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A device that sees every call: it checks that all operands lie in memory that it gave out, records what it was asked
// for, fails on demand, and lets the host device do the work.
#pragma once

#include "runtime/Device/Host/HostDevice.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace strata::test {

class CheckingDevice : public Device {
public:
  explicit CheckingDevice(uint64_t workerScratchBytes) {
    HostDeviceOptions options;
    options.workerScratchBytes = workerScratchBytes;
    if (auto made = HostDevice::create(options))
      host = std::move(*made);
    else
      failure = made.error();
  }

  /// One launched call; operands are copied.
  struct Call {
    schema::Operation operation;
    schema::Form form;
    schema::ActivationEncoding activations;
    uint64_t rows;
    std::vector<BoundOperand> reads, writes;
    CallParameters parameters;
  };
  std::vector<Call> calls;
  bool recording = false;
  /// The number of the launch that fails, counted from now.
  void failAt(uint64_t launch) { failingLaunch = launches + launch; }

  /// Why making the host device failed.
  std::optional<Error> failure;
  /// What lay outside, one line each.
  std::vector<std::string> violations;
  uint64_t launches = 0;
  std::map<const std::byte *, uint64_t> allocations; ///< Beginning, and bytes.

  schema::DeviceKind kind() const override { return schema::DeviceKind::host; }
  Result<std::byte *> allocate(uint64_t bytes) override {
    if (failure)
      return tl::unexpected<Error>(*failure);
    STRATA_ASSIGN(std::byte * memory, host->allocate(bytes));
    allocations[memory] = bytes;
    return memory;
  }
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override {
    check(to, from.size(), "copy to the device");
    return violations.empty() ? host->copyToDevice(to, from) : refused();
  }
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override {
    check(from, to.size(), "copy from the device");
    return violations.empty() ? host->copyFromDevice(to, from) : refused();
  }
  Result<void> launch(const KernelCall &call) override {
    if (launches++ == failingLaunch)
      return fail(ExitCode::DeviceLost, "F22", "the device was lost on demand");
    for (const auto *operands : {&call.reads, &call.writes})
      for (const BoundOperand &operand : *operands)
        checkOperand(call, operand);
    if (recording)
      calls.push_back({call.operation,
                       call.form,
                       call.activations,
                       call.rows,
                       {call.reads.begin(), call.reads.end()},
                       {call.writes.begin(), call.writes.end()},
                       call.parameters});
    return violations.empty() ? host->launch(call) : refused();
  }
  Result<void> synchronise() override { return host->synchronise(); }

private:
  static tl::unexpected<Error> refused() { return fail(ExitCode::Bug, "", "something lay outside its memory"); }

  void check(const std::byte *begin, uint64_t bytes, const std::string &what) {
    auto after = allocations.upper_bound(begin);
    if (after != allocations.begin()) {
      const auto &[base, size] = *std::prev(after);
      uint64_t offset = static_cast<uint64_t>(begin - base);
      if (offset <= size && bytes <= size - offset)
        return;
    }
    violations.push_back(what);
  }

  void checkOperand(const KernelCall &call, const BoundOperand &operand) {
    std::string what = schema::EnumNameOperation(call.operation);
    if (operand.kind == schema::OperandKind::value || operand.kind == schema::OperandKind::weight)
      check(operand.data, operand.rows * operand.rowBytes, "an operand of " + what);
    if (operand.kind == schema::OperandKind::value && operand.rows < call.rows &&
        call.operation != schema::Operation::experts)
      violations.push_back(what + " has an operand with too few rows");
    if (operand.kind != schema::OperandKind::kv)
      return;
    const KvView &kv = *operand.kv;
    const auto *sequences = reinterpret_cast<const int32_t *>(call.reads.back().data);
    for (uint64_t row = 0; row < call.rows; ++row) {
      const int32_t *blocks = kv.blockTable + uint64_t(sequences[row]) * kv.blocksPerSequence;
      check(reinterpret_cast<const std::byte *>(blocks), kv.blocksPerSequence * sizeof(int32_t), "the block table");
      if (violations.empty())
        for (uint32_t i = 0; i < kv.blocksPerSequence; ++i)
          check(kv.layer + uint64_t(blocks[i]) * kv.blockBytes, kv.blockBytes, "a position block of " + what);
    }
  }

  std::unique_ptr<HostDevice> host;
  uint64_t failingLaunch = ~uint64_t(0);
};

} // namespace strata::test
