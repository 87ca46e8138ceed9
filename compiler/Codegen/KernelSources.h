// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The texts of compiler/Codegen/Kernels, embedded, and the beginning of a kernel's translation unit made of them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strata {

struct KernelText {
  std::string_view name; ///< "MatmulFew.cuh"
  std::string_view text;
};

/// All of them, by name.
std::span<const KernelText> kernelTexts();

/// Prelude.cuh, then `files` with what their lines "// needs:" name, each once and after all that it needs. The names
/// must be those of kernelTexts().
std::string unitPrefix(std::span<const std::string_view> files);

} // namespace strata
