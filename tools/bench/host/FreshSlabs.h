// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts' slabs as they come from the disk, past the page cache.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/Gguf.h"
#include "runtime/Weights/WeightFile.h"

#include <cstdlib>
#include <memory>

namespace strata::bench {

class FreshSlabs {
public:
  /// Of the GGUF's first tensor of experts in Q4_0. Exit code 1 if there is none, or the file is no GGUF.
  static Result<std::unique_ptr<FreshSlabs>> open(const std::string &path);

  uint64_t rows() const { return tensor.dimensions[1]; }
  uint64_t columns() const { return tensor.dimensions[2]; }
  uint64_t bytes() const { return slabBytes; }
  /// How they are read, and why.
  std::string description() const { return reads->description(); }
  /// Reads the next expert's slab and returns it as the weight that it is, valid until the next call: the part of the
  /// file that it is in, in whole blocks of the disk, was read into one buffer.
  Result<BoundOperand> next();

private:
  explicit FreshSlabs(gguf::Model opened) : model(std::move(opened)) {}

  gguf::Model model;
  gguf::TensorInfo tensor;
  WeightFiles files;
  std::unique_ptr<Reads> reads;
  uint64_t slabBytes = 0, bufferBytes = 0;
  std::unique_ptr<void, decltype(&std::free)> buffer{nullptr, &std::free};
  uint64_t number = 0;
};

} // namespace strata::bench
