// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device at every level of instruction set, for the suites of this folder.
#include "runtime/Device/Host/HostDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

namespace strata::test {

std::vector<std::string> deviceNames() {
  std::vector<std::string> names;
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (isa <= bestIsa())
      names.push_back("host_" + std::string(isaName(isa)));
  return names;
}

std::unique_ptr<Device> makeDevice(const std::string &name, unsigned threads) {
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512})
    if (name.ends_with(isaName(isa)))
      return HostDevice::create({.threads = threads, .workerScratchBytes = 1 << 20, .isa = isa}).value();
  return nullptr;
}

} // namespace strata::test
