// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/CudaDriver.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <type_traits>

namespace strata::probe {

void CudaDriver::Close::operator()(void *library) const {
  dlclose(library);
}

std::string CudaDriver::errorName(int code) const {
  const char *name = nullptr;
  if (nameOfError(code, &name) == 0 && name)
    return name;
  return fmt::format("error {}", code);
}

Result<CudaDriver> CudaDriver::open() {
  CudaDriver driver;
  driver.library.reset(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL));
  if (!driver.library)
    return fail(ExitCode::Machine, "", "no CUDA driver");
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(driver.library.get(), name));
    missing = function ? missing : name;
  };
  // The names under which cuda.h has what it calls cuMemAlloc and so on.
  find(driver.initialise, "cuInit");
  find(driver.nameOfError, "cuGetErrorName");
  find(driver.deviceCount, "cuDeviceGetCount");
  find(driver.device, "cuDeviceGet");
  find(driver.deviceName, "cuDeviceGetName");
  find(driver.deviceAttribute, "cuDeviceGetAttribute");
  find(driver.deviceMemory, "cuDeviceTotalMem_v2");
  find(driver.retainContext, "cuDevicePrimaryCtxRetain");
  find(driver.releaseContext, "cuDevicePrimaryCtxRelease_v2");
  find(driver.setContext, "cuCtxSetCurrent");
  find(driver.synchronise, "cuCtxSynchronize");
  find(driver.allocate, "cuMemAlloc_v2");
  find(driver.release, "cuMemFree_v2");
  find(driver.allocateHost, "cuMemAllocHost_v2");
  find(driver.releaseHost, "cuMemFreeHost");
  find(driver.copyToDevice, "cuMemcpyHtoD_v2");
  find(driver.copyOnDevice, "cuMemcpyDtoD_v2");
  if (missing)
    return fail(ExitCode::Machine, "", fmt::format("the CUDA driver has no {}", missing));
  if (int code = driver.initialise(0); code != 0)
    return fail(ExitCode::Machine, "", fmt::format("the CUDA driver does not start ({})", driver.errorName(code)));
  return driver;
}

} // namespace strata::probe
