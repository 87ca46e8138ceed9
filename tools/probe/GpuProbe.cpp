// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/GpuProbe.h"

#include "compiler/Machine/Presets.h"
#include "tools/probe/CudaDriver.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <functional>

namespace strata::probe {

namespace {

/// Of a copy: many times any cache of a GPU, and little enough to leave others alone.
constexpr size_t kCopyBytes = size_t{256} << 20;
constexpr int kCopies = 16;
/// CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
constexpr int kMajor = 75, kMinor = 76;

class Measurement {
public:
  explicit Measurement(const CudaDriver &opened) : driver(opened) {}
  Measurement(const Measurement &) = delete;
  Measurement &operator=(const Measurement &) = delete;
  ~Measurement();

  Result<GpuFindings> run();

private:
  Result<void> check(int code, std::string_view function) const;
  Result<void> identify(GpuFindings &findings);
  Result<void> allocate();
  Result<double> bytesPerSecond(std::string_view function, const std::function<int()> &copy) const;

  const CudaDriver &driver;
  CudaDriver::Device device = 0;
  CudaDriver::Context context = nullptr;
  std::array<CudaDriver::Address, 2> buffers = {};
  void *pinned = nullptr;
};

Measurement::~Measurement() {
  for (CudaDriver::Address buffer : buffers)
    if (buffer != 0)
      driver.release(buffer);
  if (pinned)
    driver.releaseHost(pinned);
  if (context)
    driver.releaseContext(device);
}

Result<void> Measurement::check(int code, std::string_view function) const {
  if (code == 0)
    return {};
  return fail(ExitCode::Machine, "", fmt::format("{} fails ({})", function, driver.errorName(code)));
}

Result<void> Measurement::identify(GpuFindings &findings) {
  int count = 0;
  STRATA_TRY(check(driver.deviceCount(&count), "cuDeviceGetCount"));
  if (count < 1)
    return fail(ExitCode::Machine, "", "the CUDA driver has no GPU");
  findings.others = static_cast<uint32_t>(count) - 1;
  STRATA_TRY(check(driver.device(&device, 0), "cuDeviceGet"));
  std::array<char, 256> name = {};
  STRATA_TRY(check(driver.deviceName(name.data(), static_cast<int>(name.size()) - 1, device), "cuDeviceGetName"));
  findings.name = name.data();
  int major = 0, minor = 0;
  STRATA_TRY(check(driver.deviceAttribute(&major, kMajor, device), "cuDeviceGetAttribute"));
  STRATA_TRY(check(driver.deviceAttribute(&minor, kMinor, device), "cuDeviceGetAttribute"));
  findings.gpu.arch = fmt::format("sm_{}{}", major, minor);
  size_t bytes = 0;
  STRATA_TRY(check(driver.deviceMemory(&bytes, device), "cuDeviceTotalMem"));
  findings.gpu.memoryBytes = bytes;
  findings.gpu.memoryMeasured = true;
  return {};
}

Result<void> Measurement::allocate() {
  CudaDriver::Context retained = nullptr;
  STRATA_TRY(check(driver.retainContext(&retained, device), "cuDevicePrimaryCtxRetain"));
  context = retained;
  STRATA_TRY(check(driver.setContext(context), "cuCtxSetCurrent"));
  for (CudaDriver::Address &buffer : buffers)
    STRATA_TRY(check(driver.allocate(&buffer, kCopyBytes), "cuMemAlloc"));
  STRATA_TRY(check(driver.allocateHost(&pinned, kCopyBytes), "cuMemAllocHost"));
  std::memset(pinned, 1, kCopyBytes);
  return {};
}

/// The best of some copies: others may use the machine.
Result<double> Measurement::bytesPerSecond(std::string_view function, const std::function<int()> &copy) const {
  double best = 0;
  for (int i = 0; i < kCopies; ++i) {
    auto start = std::chrono::steady_clock::now();
    STRATA_TRY(check(copy(), function));
    STRATA_TRY(check(driver.synchronise(), "cuCtxSynchronize")); // A copy on the device returns before it is done.
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(kCopyBytes) / std::max(seconds.count(), 1e-9));
  }
  return best;
}

Result<GpuFindings> Measurement::run() {
  GpuFindings findings;
  findings.gpu = assumedGpu();
  STRATA_TRY(identify(findings));
  STRATA_TRY(allocate());
  STRATA_ASSIGN(double toDevice,
                bytesPerSecond("cuMemcpyHtoD", [this] { return driver.copyToDevice(buffers[0], pinned, kCopyBytes); }));
  STRATA_ASSIGN(double onDevice, bytesPerSecond("cuMemcpyDtoD", [this] {
                  return driver.copyOnDevice(buffers[1], buffers[0], kCopyBytes);
                }));
  // Every byte of a copy is read and written.
  findings.gpu.bandwidth = {2 * onDevice, true};
  // The figures of a machine file do not contradict each other: nothing fills memory faster than it is.
  findings.gpu.pcie = {std::min(toDevice, findings.gpu.bandwidth.value), true};
  return findings;
}

} // namespace

Result<GpuFindings> measureGpu() {
  STRATA_ASSIGN(CudaDriver driver, CudaDriver::open());
  return Measurement(driver).run();
}

} // namespace strata::probe
