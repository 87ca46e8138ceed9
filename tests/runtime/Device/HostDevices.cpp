// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device for the suites of this folder.
#include "runtime/Device/Host/HostDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

namespace strata::test {

std::vector<std::string> deviceNames() {
  return {"host"};
}

std::unique_ptr<Device> makeDevice(const std::string &, unsigned threads) {
  return HostDevice::create({.threads = threads, .workerScratchBytes = 1 << 20}).value();
}

} // namespace strata::test
