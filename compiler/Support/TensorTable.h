// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The tensors of a model of architecture deepseek2: names, shapes, and what each is for.
#pragma once

#include "compiler/Support/ModelDescription.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// The classes in which a plan counts weights.
enum class TensorClass : uint8_t {
  RoutedExperts,
  Attention,
  SharedExperts,
  DenseFfn,
  Router,
  TokenEmbedding,
  Output,
  Norms
};
inline constexpr size_t kTensorClasses = 8;

/// "routed experts".
std::string_view tensorClassName(TensorClass tensorClass);

/// Which layers have a tensor.
enum class TensorScope : uint8_t { Model, Layer, DenseLayer, ExpertLayer };

struct TensorSpec {
  std::string_view name; ///< "attn_q_a.weight", without "blk.3."; the whole name for scope Model.
  TensorScope scope;
  TensorClass tensorClass;
  bool plain; ///< Must be F32: it is used as numbers, not through a product.
  /// Row-major: the last one is contiguous.
  std::vector<uint64_t> (*dimensions)(const ModelDescription &);
  bool (*present)(const ModelDescription &); ///< Null if every model has it.
};

/// In the order in which a layer uses them.
std::span<const TensorSpec> tensorTable();

/// "blk.3.attn_q_a.weight"; the spec's name alone for scope Model.
std::string tensorName(const TensorSpec &spec, uint32_t layer);

/// True if layer `layer` has the tensor (any `layer` for scope Model).
bool hasTensor(const TensorSpec &spec, const ModelDescription &description, uint32_t layer);

/// A tensor's name taken apart: the table's entry and its layer. Nothing for tensors that are not in the table.
struct NamedTensor {
  const TensorSpec *spec;
  uint32_t layer; ///< 0 for scope Model.
};
std::optional<NamedTensor> parseTensorName(std::string_view name);

} // namespace strata
