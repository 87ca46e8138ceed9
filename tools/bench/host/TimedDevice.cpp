// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/TimedDevice.h"

#include "tools/bench/host/Clock.h"

namespace strata::bench {

Result<void> TimedDevice::launch(const KernelCall &call) {
  Result<void> result;
  double taken = secondsOf([&] { result = device->launch(call); });
  switch (call.operation) {
  case schema::Operation::attention:
  case schema::Operation::attention_splits:
  case schema::Operation::attention_combine:
    seconds.attention += taken;
    break;
  case schema::Operation::experts:
  case schema::Operation::experts_gate_up:
  case schema::Operation::experts_down:
    seconds.experts += taken;
    break;
  default:
    break;
  }
  return result;
}

} // namespace strata::bench
