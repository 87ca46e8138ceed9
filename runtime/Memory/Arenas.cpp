// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/Arenas.h"

#include "runtime/Base/Checked.h"
#include "runtime/Memory/Reads/OrderedReads.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

Result<Arenas> Arenas::allocate(Device &device, const schema::Artifact &artifact, const EncodingChoice &choice) {
  Arenas arenas;
  std::vector<uint64_t> bytes = arenaBytes(artifact, choice);
  for (uint32_t i = 0; i < bytes.size(); ++i) {
    schema::ArenaKind kind = artifact.arenas()->Get(i)->kind();
    std::byte *base = nullptr;
    if (kind != schema::ArenaKind::experts && kind != schema::ArenaKind::staging) {
      STRATA_ASSIGN(base, device.allocate(bytes[i]));
    }
    arenas.bases.push_back(base);
    arenas.byKind[static_cast<size_t>(kind)] = base;
  }
  return arenas;
}

namespace {

/// A piece of a tensor that is read through the page cache.
constexpr uint64_t kBufferBytes = uint64_t(8) << 20;

/// Reads tensors, a buffer at a time. `ahead` reads them in their order past the page cache; null: through it.
class Loader {
public:
  Loader(const WeightFiles &from, OrderedReads *ahead, Device &to, std::byte *weightsArena, uint64_t bufferBytes,
         std::function<void(uint64_t)> bytesDone)
      : files(from), direct(ahead), device(to), arena(weightsArena), buffer(bufferBytes), report(std::move(bytesDone)) {
  }

  Result<void> load(const schema::Tensor &tensor, const TensorChecksums *sums) {
    uint64_t pieceBytes = sums ? sums->pieceBytes : kBufferBytes;
    for (uint64_t at = 0, piece = 0; at < tensor.bytes(); ++piece) {
      uint64_t bytes = std::min(pieceBytes, tensor.bytes() - at);
      STRATA_TRY(loadChecked(tensor, sums, piece, at, bytes));
      at += bytes;
    }
    return {};
  }

private:
  /// One checksum's bytes. What differs once is read again: the fault may be one of the cache or of the way to it.
  Result<void> loadChecked(const schema::Tensor &tensor, const TensorChecksums *sums, uint64_t piece, uint64_t at,
                           uint64_t bytes) {
    STRATA_TRY(loadRange(tensor, at, bytes, sums != nullptr, direct));
    report(bytes);
    if (!sums || hash.finish() == sums->hashes[piece])
      return {};
    files.forget(tensor.file(), tensor.offset() + at, bytes);
    STRATA_TRY(loadRange(tensor, at, bytes, true, nullptr));
    if (hash.finish() == sums->hashes[piece])
      return {};
    return damagedPiece(files.place(tensor.file()), tensor.offset() + at, tensor.name()->string_view(), sums->slabs,
                        piece, sums->hashes[piece], hash.finish());
  }

  /// From `ahead`, or where that is null through the page cache.
  Result<void> loadRange(const schema::Tensor &tensor, uint64_t first, uint64_t bytes, bool hashed,
                         OrderedReads *ahead) {
    hash.reset();
    for (uint64_t at = first; at < first + bytes;) {
      uint64_t rest = first + bytes - at;
      STRATA_ASSIGN(std::span<const std::byte> part,
                    ahead ? ahead->next(rest) : readCached(tensor.file(), tensor.offset() + at, rest));
      if (hashed)
        hash.update(part);
      STRATA_TRY(device.copyToDevice(arena + tensor.arena_offset() + at, part));
      at += part.size();
    }
    return {};
  }

  Result<std::span<const std::byte>> readCached(uint32_t file, uint64_t offset, uint64_t most) {
    std::span<std::byte> part = std::span(buffer).first(std::min<uint64_t>(buffer.size(), most));
    STRATA_TRY(files.read(file, offset, part));
    if (direct)
      files.forget(file, offset, part.size());
    return std::span<const std::byte>(part);
  }

  const WeightFiles &files;
  OrderedReads *direct;
  Device &device;
  std::byte *arena;
  std::vector<std::byte> buffer;
  std::function<void(uint64_t)> report;
  ChecksumStream hash;
};

} // namespace

/// What the device wants in another layout.
static Result<void> repackTensor(const schema::Tensor &tensor, Device &device, std::byte *weightsArena) {
  if (tensor.repack() < 0)
    return {};
  // Matrices are the last two dimensions.
  uint64_t matrices = tensor.dimensions()->size() > 2 ? tensor.dimensions()->Get(0) : 1;
  return device.repack(static_cast<uint32_t>(tensor.repack()), weightsArena + tensor.arena_offset(), tensor.bytes(),
                       matrices);
}

uint64_t loadBufferBytes(bool withReads) {
  return kBufferBytes + (withReads ? OrderedReads::bufferBytes(kLoadReads) : 0);
}

Result<void> loadWeights(const schema::Artifact &artifact, const WeightFiles &files, Device &device,
                         std::byte *weightsArena, const LoadOptions &options) {
  std::vector<FileRange> ranges;
  Checked total;
  for (const schema::Tensor *tensor : *artifact.tensors())
    if (tensor->tier() != schema::Tier::disk) {
      ranges.push_back({tensor->file(), tensor->offset(), tensor->offset() + tensor->bytes()});
      total += tensor->bytes();
    }
  std::unique_ptr<OrderedReads> ahead;
  if (options.reads) {
    STRATA_ASSIGN(ahead, OrderedReads::create(files, *options.reads, kLoadReads, std::move(ranges)));
  }
  uint64_t done = 0;
  auto report = [&](uint64_t bytes) {
    done += bytes;
    if (options.progress)
      options.progress(done, total.value());
  };
  Loader loader(files, ahead.get(), device, weightsArena, std::min(kBufferBytes, total.value()), report);
  const Checksums *checksums = options.checksums;
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    if (tensor->tier() == schema::Tier::disk)
      continue;
    STRATA_TRY(loader.load(*tensor, checksums ? checksums->find(tensor->name()->string_view()) : nullptr));
    STRATA_TRY(repackTensor(*tensor, device, weightsArena));
  }
  return device.synchronise();
}

} // namespace strata
