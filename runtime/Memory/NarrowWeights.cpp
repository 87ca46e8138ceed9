// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/NarrowWeights.h"

#include "runtime/Weights/Encoding.h"

#include <cstdint>
#include <cstring>

namespace strata {

static uint32_t wordAt(std::span<const std::byte> bytes, size_t word) {
  uint32_t result;
  std::memcpy(&result, bytes.data() + word * sizeof(result), sizeof(result));
  return result;
}

bool narrowNumbers(std::span<std::byte> numbers) {
  size_t count = numbers.size() / sizeof(uint32_t);
  // A BF16 number is the upper half of an F32 one.
  for (size_t i = 0; i < count; ++i)
    if ((wordAt(numbers, i) & 0xFFFF) != 0)
      return false;
  for (size_t i = 0; i < count; ++i) {
    auto upper = static_cast<uint16_t>(wordAt(numbers, i) >> 16);
    std::memcpy(numbers.data() + i * sizeof(upper), &upper, sizeof(upper));
  }
  return true;
}

std::vector<const std::byte *> narrowWeights(const schema::Artifact &artifact, std::byte *weightsArena) {
  std::vector<const std::byte *> narrowed;
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    // Vectors are read as F32 by all that take them.
    if (static_cast<Encoding>(tensor->encoding()) != Encoding::F32 || tensor->dimensions()->size() != 2)
      continue;
    std::byte *place = weightsArena + tensor->arena_offset();
    if (narrowNumbers({place, tensor->bytes()}))
      narrowed.push_back(place);
  }
  return narrowed;
}

} // namespace strata
