// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Models for the compiler's tests: those of the repository, and changed ones.
#pragma once

#include "compiler/Support/ModelDescription.h"
#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <stdexcept>
#include <string>
#include <string_view>

namespace strata {

/// The value, or an exception that fails the test with the error's sentence.
template <typename T> T valueOrThrow(Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().message);
  return std::move(*result);
}

inline gguf::Model openModel(const std::string &path) {
  return valueOrThrow(gguf::Model::open(path, {.headerOnly = true}));
}

inline gguf::Model openTiny() {
  return openModel(STRATA_TEST_MODELS "/tiny.Q4_0.gguf");
}
inline gguf::Model openRouter256() {
  return openModel(STRATA_TEST_MODELS "/router256.Q4_0.gguf");
}
/// All keys and tensors of DeepSeek V3.1.
inline gguf::Model openV31() {
  return openModel(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf");
}

/// Writes the header that the builder makes to "changed.gguf" and opens it.
inline gguf::Model openBuilt(const gguf::GgufBuilder &builder) {
  TemporaryFolder folder;
  return openModel(folder.write("changed.gguf", builder.header()));
}

/// The description of a model that has nothing wrong.
inline ModelDescription describeOrThrow(const gguf::Model &model, const DescribeOptions &options = {}) {
  auto description = describeModel(model, options);
  if (!description)
    throw std::runtime_error(description.error().front().message);
  return std::move(*description);
}

} // namespace strata
