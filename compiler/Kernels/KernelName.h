// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a kernel is called.
#pragma once

#include "compiler/Kernels/Geometry.h"

#include <string>

namespace strata::kernels {

/// The main loop's name, the encodings and shapes it is made for, and what its epilogue adds:
/// "matmulFew_Q4_0_I16_7168x16384_1x2_residual" for strata::matmulFew<strata::Q4_0, strata::I16, 7168, 16384, epilogue,
/// 1, 2>. Numbers that stand together are joined by x, in the order of the template's parameters. Kernels that differ
/// in other constants have the same name.
std::string kernelName(const Step &step);

} // namespace strata::kernels
