// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How the work of a product is cut: chosen from a table (Schedules.cpp), and what kernels are built from.
#pragma once

#include "compiler/Kernels/Geometry.h"

#include <vector>

namespace strata::kernels {

/// The schedules of a request's products, in the order of its operands' weights: of a product one; of the experts of a
/// decode step gate and up of the routed, gate and up of the shared expert, or their downs as one; of the experts of a
/// prompt gate and up, down, then those of the shared expert. Other operations have none.
std::vector<Schedule> schedulesFor(const Request &request);

/// Whether the main loops can be built with the schedules: nothing if so, else what is wrong with them.
std::string checkSchedules(const Request &request, const std::vector<Schedule> &schedules);

} // namespace strata::kernels
