// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NVIDIA's run-time compiler, opened when it is needed and never linked: CUDA C++ text to PTX and an sm_70 cubin.
#pragma once

#include "runtime/Base/Error.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// One translation unit.
struct KernelUnit {
  std::string name; ///< For messages: lines are given as "NAME.cu:12".
  std::string source;
};

struct CompiledUnit {
  std::string ptx;
  std::vector<std::byte> cubin;
};

/// Where to look for NVRTC, in this order: `option` alone if it is set (--nvrtc=DIR), else the folder that
/// tools/cuda.sh fills, else the system's libraries.
struct NvrtcSearch {
  std::string option;
  std::string setupFolder = defaultSetupFolder();
  bool system = true;

  static std::string defaultSetupFolder();
};

/// An opened NVRTC that can target sm_70.
class Nvrtc {
public:
  /// N01: there is none. N02: what there is cannot target sm_70 (CUDA 13), or is no NVRTC. Exit code 3.
  static Result<Nvrtc> open(const NvrtcSearch &search = {});

  /// May be called from several threads at once. N03, exit code 1, with the line of the source: it does not compile.
  Result<CompiledUnit> compile(const KernelUnit &unit) const;

  /// "12.9", and the library's path as it was opened.
  const std::string &version() const { return versionText; }
  const std::string &path() const { return libraryPath; }
  /// What decides the result besides the source; part of the cache's key.
  std::span<const char *const> options() const;

private:
  struct Functions;
  Nvrtc() = default;
  static Result<Nvrtc> openLibrary(const std::string &path);

  std::shared_ptr<const Functions> functions;
  std::string versionText;
  std::string libraryPath;
};

} // namespace strata
