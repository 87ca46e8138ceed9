// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compiled kernels on disk, so that the second compilation of a model is quick.
#pragma once

#include "compiler/Codegen/Nvrtc.h"

#include <optional>
#include <string>

namespace strata {

/// A folder with one file per compiled unit, named by the SHA-256 of all that decides the result: source, options,
/// NVRTC's version. A file that is damaged or of another format counts as absent.
class KernelCache {
public:
  /// $XDG_CACHE_HOME/strata/kernels, or $HOME/.cache/strata/kernels; empty if neither variable is set.
  static std::string defaultFolder();

  /// Without a folder nothing is kept.
  explicit KernelCache(std::string cacheFolder) : folder(std::move(cacheFolder)) {}

  static std::string keyOf(const Nvrtc &nvrtc, const KernelUnit &unit);
  std::optional<CompiledUnit> find(const std::string &key) const;
  /// Exit code 3 if the folder or the file cannot be written.
  Result<void> store(const std::string &key, const CompiledUnit &unit) const;

private:
  std::string pathOf(const std::string &key) const;

  std::string folder;
};

} // namespace strata
