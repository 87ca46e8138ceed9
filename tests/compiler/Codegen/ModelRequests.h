// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every kernel that a model needs, from the header of its GGUF file.
#pragma once

#include "compiler/Kernels/Geometry.h"
#include "compiler/Support/ModelDescription.h"
#include "runtime/Weights/Gguf.h"

#include <vector>

namespace strata::test {

struct ModelSettings {
  schema::ActivationEncoding decode = schema::ActivationEncoding::i16;
  schema::ActivationEncoding prompt = schema::ActivationEncoding::i8;
  schema::KvEncoding kv = schema::KvEncoding::f16;
  uint32_t sequences = 1;
  uint32_t context = 32768;
  uint32_t chunkTokens = 512;
};

std::vector<kernels::Request> modelRequests(const gguf::Model &model, const ModelDescription &description,
                                            const ModelSettings &settings);

} // namespace strata::test
