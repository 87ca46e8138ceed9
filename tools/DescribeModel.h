// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A model's description for a tool, with all that is wrong reported.
#pragma once

#include "compiler/Support/ModelDescription.h"

namespace strata {

/// Reports all that is wrong with a model; the last error is returned, for the tool to report.
Result<ModelDescription> describeAndReport(std::string_view tool, const gguf::Model &model,
                                           const DescribeOptions &options);

} // namespace strata
