// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Device.h"

namespace strata {

Result<void> Device::repack(uint32_t, std::byte *, uint64_t, uint64_t) {
  return fail(
      ExitCode::Input, "A20",
      "a weight of the artifact is to be repacked by a kernel, on a device that runs none: compile the model again");
}

} // namespace strata
