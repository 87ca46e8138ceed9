// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/ModelWeights.h"

#include "runtime/Schema/SlotBytes.h"

#include <algorithm>

namespace strata {

uint64_t ModelWeights::routedBytes() const {
  uint64_t bytes = 0;
  for (const LayerWeights &layer : layers)
    bytes += layer.expert * description.experts;
  return bytes;
}

uint64_t ModelWeights::routedBuffers() const {
  uint64_t bytes = 0;
  for (const LayerWeights &layer : layers)
    bytes += layer.expertBuffers * description.experts;
  return bytes;
}

uint64_t ModelWeights::largestExpert() const {
  uint64_t largest = 0;
  for (const LayerWeights &layer : layers)
    largest = std::max(largest, layer.expert);
  return largest;
}

uint64_t ModelWeights::largestExpertBuffers() const {
  uint64_t largest = 0;
  for (const LayerWeights &layer : layers)
    largest = std::max(largest, layer.expertBuffers);
  return largest;
}

double ModelWeights::routedBytesPerToken() const {
  double bytes = 0;
  for (const LayerWeights &layer : layers)
    bytes += static_cast<double>(layer.expert) * description.expertsUsed;
  return bytes;
}

static tl::unexpected<Error> overflow(std::string_view tensor) {
  return fail(ExitCode::Input, "G33",
              "the sizes of the tensors up to " + escapeName(tensor) +
                  " overflow 64 bits; the file is damaged, get it again");
}

/// Adds one tensor to the part of the model that it belongs to.
static void addTensor(ModelWeights &weights, const WeightTensor &tensor, uint64_t elements) {
  switch (tensor.tensorClass) {
  case TensorClass::TokenEmbedding:
    weights.embedding += tensor.bytes;
    return;
  case TensorClass::RoutedExperts:
    weights.layers[tensor.layer].expert += tensor.bytes / weights.description.experts;
    weights.layers[tensor.layer].expertBuffers += slabBufferBytes(tensor.bytes / weights.description.experts).value();
    weights.layers[tensor.layer].expertParameters += elements / weights.description.experts;
    return;
  default:
    break;
  }
  if (tensor.scope == TensorScope::Model) {
    weights.output += tensor.bytes;
    weights.outputParameters += elements;
  } else {
    weights.layers[tensor.layer].dense += tensor.bytes;
    weights.layers[tensor.layer].denseParameters += elements;
  }
}

Result<ModelWeights> weighModel(std::span<const gguf::TensorInfo> tensors, const ModelDescription &description) {
  ModelWeights weights;
  weights.description = description;
  weights.layers.resize(description.layers);
  Checked total, parameters;
  for (const gguf::TensorInfo &tensor : tensors) {
    std::optional<NamedTensor> named = parseTensorName(tensor.name);
    if (!named || !hasTensor(*named->spec, description, named->layer))
      continue;
    Checked elements = 1;
    for (uint64_t dimension : tensor.dimensions)
      elements *= dimension;
    total += tensor.bytes;
    parameters += elements;
    // Every other sum is a part of these two.
    if (!total.valid() || !parameters.valid())
      return overflow(tensor.name);
    weights.tensors.push_back({tensor.name, named->spec->tensorClass, named->spec->scope, named->layer, tensor.bytes});
    addTensor(weights, weights.tensors.back(), elements.value());
  }
  weights.total = weights.fileBytes = total.value();
  return weights;
}

Result<ModelWeights> weighModel(const gguf::Model &model, const ModelDescription &description) {
  STRATA_ASSIGN(ModelWeights weights, weighModel(model.tensors(), description));
  Checked bytes;
  for (const gguf::FileInfo &file : model.files())
    bytes += file.impliedBytes;
  if (!bytes.valid())
    return overflow(model.tensors().empty() ? "" : model.tensors().back().name);
  weights.fileBytes = bytes.value();
  return weights;
}

} // namespace strata
