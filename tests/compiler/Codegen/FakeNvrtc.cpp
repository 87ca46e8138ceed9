// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A library that says it is NVRTC 13, which cannot target sm_70; or, with STRATA_FAKE_EMPTY, one that is no NVRTC at
// all.
#ifndef STRATA_FAKE_EMPTY
extern "C" {
int nvrtcVersion(int *major, int *minor) {
  *major = 13;
  *minor = 0;
  return 0;
}
int nvrtcGetNumSupportedArchs(int *count) {
  *count = 2;
  return 0;
}
int nvrtcGetSupportedArchs(int *architectures) {
  architectures[0] = 75;
  architectures[1] = 90;
  return 0;
}
void nvrtcCreateProgram() {}
void nvrtcDestroyProgram() {}
void nvrtcCompileProgram() {}
void nvrtcGetProgramLogSize() {}
void nvrtcGetProgramLog() {}
void nvrtcGetPTXSize() {}
void nvrtcGetPTX() {}
void nvrtcGetCUBINSize() {}
void nvrtcGetCUBIN() {}
void nvrtcGetErrorString() {}
}
#endif
