// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The few functions of the CUDA driver that a measurement needs, found when the tool runs: nothing links to it.
#pragma once

#include "runtime/Base/Error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace strata::probe {

/// Types and numbers are those of cuda.h.
class CudaDriver {
public:
  using Device = int;
  using Context = struct OpaqueContext *;
  using Address = unsigned long long;

  /// libcuda.so.1 as the system finds it. Exit code 3 with a short sentence if there is none or it does not start.
  static Result<CudaDriver> open();

  int (*deviceCount)(int *) = nullptr;
  int (*device)(Device *, int) = nullptr;
  int (*deviceName)(char *, int, Device) = nullptr;
  int (*deviceAttribute)(int *, int, Device) = nullptr;
  int (*deviceMemory)(size_t *, Device) = nullptr;
  int (*retainContext)(Context *, Device) = nullptr;
  int (*releaseContext)(Device) = nullptr;
  int (*setContext)(Context) = nullptr;
  int (*synchronise)() = nullptr;
  int (*allocate)(Address *, size_t) = nullptr;
  int (*release)(Address) = nullptr;
  int (*allocateHost)(void **, size_t) = nullptr;
  int (*releaseHost)(void *) = nullptr;
  int (*copyToDevice)(Address, const void *, size_t) = nullptr;
  int (*copyOnDevice)(Address, Address, size_t) = nullptr;

  /// "CUDA_ERROR_NO_DEVICE", or "error 100" of a driver that does not know it.
  std::string errorName(int code) const;

private:
  struct Close {
    void operator()(void *library) const;
  };
  int (*initialise)(unsigned) = nullptr;
  int (*nameOfError)(int, const char **) = nullptr;
  std::unique_ptr<void, Close> library;
};

} // namespace strata::probe
