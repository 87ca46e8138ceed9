// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/DescribeModel.h"

#include "tools/CommandLine.h"

namespace strata {

Result<ModelDescription> describeAndReport(std::string_view tool, const gguf::Model &model,
                                           const DescribeOptions &options) {
  auto description = describeModel(model, options);
  if (description)
    return *std::move(description);
  std::vector<Error> &errors = description.error();
  for (size_t i = 0; i + 1 < errors.size(); ++i)
    reportError(tool, errors[i]);
  return tl::unexpected<Error>(std::move(errors.back()));
}

} // namespace strata
