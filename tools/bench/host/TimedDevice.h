// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A device that looks at the clock: where the time of a step goes.
#pragma once

#include "runtime/Device/Device.h"

#include <memory>

namespace strata::bench {

/// What the calls of some operations took together, in seconds.
struct OperationSeconds {
  double attention = 0; ///< attention, attention_splits, attention_combine
  double experts = 0;   ///< experts, experts_gate_up, experts_down
};

/// Does what another device does, which must finish a call before `launch` returns, as the host does; two looks at the
/// clock a call are all that it costs.
class TimedDevice : public Device {
public:
  explicit TimedDevice(std::unique_ptr<Device> timed) : device(std::move(timed)) {}

  schema::DeviceKind kind() const override { return device->kind(); }
  std::vector<std::string> notes() const override { return device->notes(); }
  Result<std::byte *> allocate(uint64_t bytes) override { return device->allocate(bytes); }
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override {
    return device->copyToDevice(to, from);
  }
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override {
    return device->copyFromDevice(to, from);
  }
  Result<void> launch(const KernelCall &call) override;
  Result<void> synchronise() override { return device->synchronise(); }

  OperationSeconds seconds; ///< Since somebody set it to nothing.

private:
  std::unique_ptr<Device> device;
};

} // namespace strata::bench
