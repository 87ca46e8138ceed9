// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The simulated kernels as the device of the suites of tests/runtime/Device.
#include "tests/compiler/Codegen/KernelDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

namespace strata::test {

std::vector<std::string> deviceNames() {
  return {"kernels"};
}

/// Where other devices have threads, this one has an order of execution: a seed.
std::unique_ptr<Device> makeDevice(const std::string &, unsigned threads) {
  return KernelDevice::create(threads);
}

} // namespace strata::test
