// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/Arenas.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

Result<Arenas> Arenas::allocate(Device &device, const schema::Artifact &artifact, const EncodingChoice &choice) {
  Arenas arenas;
  std::vector<uint64_t> bytes = arenaBytes(artifact, choice);
  for (uint32_t i = 0; i < bytes.size(); ++i) {
    STRATA_ASSIGN(std::byte * base, device.allocate(bytes[i]));
    arenas.bases.push_back(base);
    arenas.byKind[static_cast<size_t>(artifact.arenas()->Get(i)->kind())] = base;
  }
  return arenas;
}

/// One tensor, a buffer at a time. `done` counts on.
static Result<void> loadTensor(const schema::Tensor &tensor, const WeightFiles &files, Device &device,
                               std::byte *weightsArena, std::span<std::byte> buffer,
                               const std::function<void(uint64_t)> &report) {
  for (uint64_t at = 0; at < tensor.bytes();) {
    std::span<std::byte> piece = buffer.first(std::min<uint64_t>(buffer.size(), tensor.bytes() - at));
    STRATA_TRY(files.read(tensor.file(), tensor.offset() + at, piece));
    STRATA_TRY(device.copyToDevice(weightsArena + tensor.arena_offset() + at, piece));
    at += piece.size();
    report(piece.size());
  }
  if (tensor.repack() < 0)
    return {};
  // Matrices are the last two dimensions.
  uint64_t matrices = tensor.dimensions()->size() > 2 ? tensor.dimensions()->Get(0) : 1;
  return device.repack(static_cast<uint32_t>(tensor.repack()), weightsArena + tensor.arena_offset(), tensor.bytes(),
                       matrices);
}

Result<void> loadWeights(const schema::Artifact &artifact, const WeightFiles &files, Device &device,
                         std::byte *weightsArena, const LoadProgress &progress) {
  Checked total;
  for (const schema::Tensor *tensor : *artifact.tensors())
    total += tensor->bytes();
  uint64_t done = 0;
  auto report = [&](uint64_t bytes) {
    done += bytes;
    if (progress)
      progress(done, total.value());
  };
  std::vector<std::byte> buffer(std::min(kLoadBufferBytes, total.value()));
  for (const schema::Tensor *tensor : *artifact.tensors())
    STRATA_TRY(loadTensor(*tensor, files, device, weightsArena, buffer, report));
  return device.synchronise();
}

} // namespace strata
