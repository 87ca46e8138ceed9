// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Inventory.h"

#include <map>

namespace strata {

/// The part of a tensor that decoding one token touches.
static Checked touchedBytes(const gguf::TensorInfo &tensor, TensorClass tensorClass,
                            const ModelDescription &description) {
  switch (tensorClass) {
  case TensorClass::RoutedExperts:
    return Checked(tensor.bytes) / description.experts * description.expertsUsed;
  case TensorClass::TokenEmbedding:
    return Checked(tensor.bytes) / description.vocabulary;
  default:
    return tensor.bytes;
  }
}

/// The number that most layers have, the smallest of several.
static uint64_t mostCommon(const std::map<uint32_t, uint64_t> &byLayer) {
  std::map<uint64_t, uint32_t> counts;
  for (auto [layer, bytes] : byLayer)
    ++counts[bytes];
  uint64_t common = 0;
  uint32_t most = 0;
  for (auto [bytes, count] : counts)
    if (count > most) {
      common = bytes;
      most = count;
    }
  return common;
}

Result<Inventory> takeInventory(std::span<const gguf::TensorInfo> tensors, const ModelDescription &description) {
  Inventory inventory;
  std::map<uint32_t, uint64_t> expertBytes; // By layer.
  Checked parameters, bytes, perToken, routedPerToken;
  for (const gguf::TensorInfo &tensor : tensors) {
    std::optional<NamedTensor> named = parseTensorName(tensor.name);
    if (!named || !hasTensor(*named->spec, description, named->layer))
      continue;
    TensorClass tensorClass = named->spec->tensorClass;
    Checked elements = 1;
    for (uint64_t dimension : tensor.dimensions)
      elements *= dimension;
    Checked touched = touchedBytes(tensor, tensorClass, description);
    parameters += elements;
    bytes += tensor.bytes;
    perToken += touched;
    if (!parameters.valid() || !bytes.valid() || !perToken.valid())
      return fail(ExitCode::Input, "G33",
                  "the sizes of the tensors up to " + escapeName(tensor.name) +
                      " overflow 64 bits; the file is damaged, get it again");
    ClassTotals &totals = inventory.classes[static_cast<size_t>(tensorClass)];
    ++totals.tensors;
    totals.parameters += elements.value();
    totals.bytes += tensor.bytes;
    ++inventory.total.tensors;
    if (tensorClass == TensorClass::RoutedExperts) {
      expertBytes[named->layer] += tensor.bytes / description.experts;
      routedPerToken += touched;
    }
  }
  inventory.total.parameters = parameters.value();
  inventory.total.bytes = bytes.value();
  inventory.bytesPerToken = perToken.value();
  inventory.routedBytesPerToken = routedPerToken.value();
  inventory.routedExperts = uint64_t{description.experts} * expertBytes.size();
  inventory.expertBytes = mostCommon(expertBytes);
  return inventory;
}

uint64_t kvBytesPerPosition(const ModelDescription &description, uint64_t numberBytes) {
  return uint64_t{description.layers} * (uint64_t{description.latent} + description.rope) * numberBytes;
}

Checked kvBytes(const ModelDescription &description, uint64_t numberBytes, uint64_t context, uint64_t sequences) {
  return Checked(context).alignUp(kPositionsPerBlock) * sequences * kvBytesPerPosition(description, numberBytes);
}

} // namespace strata
