// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A libcuda.so.1 for the tests of strata-probe: a GPU whose memory is the host's. FAKE_CUDA=FUNCTION makes that
// function fail, FAKE_CUDA=none is a driver without a GPU. What is not given back when the library is unloaded is said
// on stderr.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

int held = 0;
bool inContext = false;

std::string wish() {
  const char *text = std::getenv("FAKE_CUDA");
  return text ? text : "";
}

/// CUDA_ERROR_UNKNOWN if the test wants it to fail, CUDA_ERROR_INVALID_CONTEXT if there is none.
int answer(const char *function, bool needsContext = false) {
  if (wish() == function)
    return 999;
  return needsContext && !inContext ? 201 : 0;
}

struct Leaks {
  ~Leaks() {
    if (held != 0)
      std::fprintf(stderr, "fake CUDA driver: %d things were not given back\n", held);
  }
} leaks;

int allocated(const char *function, void **memory, size_t bytes) {
  if (int code = answer(function, true))
    return code;
  *memory = std::malloc(bytes);
  ++held;
  return *memory ? 0 : 2;
}

int freed(void *memory) {
  std::free(memory);
  --held;
  return 0;
}

/// As slow as a machine of 2 and 8 GB/s at most, so that the figures are known from above.
int copied(const char *function, void *to, const void *from, size_t bytes, double rate) {
  if (int code = answer(function, true))
    return code;
  std::memcpy(to, from, bytes);
  std::this_thread::sleep_for(std::chrono::duration<double>(static_cast<double>(bytes) / rate));
  return 0;
}

void *pointer(unsigned long long address) {
  return reinterpret_cast<void *>(address);
}

} // namespace

extern "C" {

int cuInit(unsigned) {
  return answer("cuInit");
}
int cuGetErrorName(int code, const char **name) {
  *name = code == 999 ? "CUDA_ERROR_UNKNOWN" : code == 201 ? "CUDA_ERROR_INVALID_CONTEXT" : nullptr;
  return *name ? 0 : 1;
}
int cuDeviceGetCount(int *count) {
  *count = wish() == "none" ? 0 : 2;
  return answer("cuDeviceGetCount");
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal + 40;
  return answer("cuDeviceGet");
}
int cuDeviceGetName(char *name, int length, int) {
  std::snprintf(name, static_cast<size_t>(length), "Fake V100S");
  return answer("cuDeviceGetName");
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75 ? 7 : 0;
  return answer("cuDeviceGetAttribute");
}
int cuDeviceTotalMem_v2(size_t *bytes, int) {
  *bytes = 34058272768;
  return answer("cuDeviceTotalMem");
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &held;
  int code = answer("cuDevicePrimaryCtxRetain");
  held += code == 0 ? 1 : 0;
  return code;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
  held -= device == 40 ? 1 : 0;
  return 0;
}
int cuCtxSetCurrent(void *context) {
  inContext = context == &held;
  return answer("cuCtxSetCurrent");
}
int cuCtxSynchronize() {
  return answer("cuCtxSynchronize", true);
}
int cuMemAlloc_v2(unsigned long long *address, size_t bytes) {
  void *memory = nullptr;
  int code = allocated("cuMemAlloc", &memory, bytes);
  *address = reinterpret_cast<unsigned long long>(memory);
  return code;
}
int cuMemFree_v2(unsigned long long address) {
  return freed(pointer(address));
}
int cuMemAllocHost_v2(void **memory, size_t bytes) {
  return allocated("cuMemAllocHost", memory, bytes);
}
int cuMemFreeHost(void *memory) {
  return freed(memory);
}
int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t bytes) {
  return copied("cuMemcpyHtoD", pointer(to), from, bytes, 2e9);
}
int cuMemcpyDtoD_v2(unsigned long long to, unsigned long long from, size_t bytes) {
  return copied("cuMemcpyDtoD", pointer(to), pointer(from), bytes, 4e9);
}
}
