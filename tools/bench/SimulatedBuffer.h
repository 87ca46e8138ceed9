// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Memory for launches that are only counted.
#pragma once

#include "runtime/Simulator/GlobalMemory.h"

#include <cstdlib>
#include <memory>

namespace strata::bench {

/// Bytes that count as written. Large ones are zeros and take no memory before somebody writes to them.
class SimulatedBuffer {
public:
  /// Exit code 3 if there is not enough memory. It must outlive the launches, not the table of allocations.
  static Result<SimulatedBuffer> allocate(sim::GlobalMemory &memory, uint64_t bytes);

  std::byte *data() const { return storage.get(); }

private:
  struct Free {
    void operator()(std::byte *bytes) const { std::free(bytes); }
  };
  explicit SimulatedBuffer(std::byte *bytes) : storage(bytes) {}
  std::unique_ptr<std::byte, Free> storage;
};

} // namespace strata::bench
