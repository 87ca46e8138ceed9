// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The checksums of a model's weights: which bytes each covers, and the file that they are in.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/Envelope.h"
#include "runtime/Schema/sums_generated.h"
#include "runtime/Weights/Cursor.h"
#include "runtime/Weights/Gguf.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct XXH3_state_s;

namespace strata {

inline constexpr uint64_t kChecksumPieceBytes = uint64_t(8) << 20;

/// True for the stacked matrices of routed experts, whose pieces are slabs.
bool isExpertTensor(const gguf::TensorInfo &tensor);
/// What one checksum of a tensor covers: a slab, or 8 MiB of any other tensor.
uint64_t checksumPieceBytes(const gguf::TensorInfo &tensor);
/// How many checksums a tensor has.
uint64_t checksumPieces(const gguf::TensorInfo &tensor);

/// XXH3-64 of bytes that arrive in parts.
class ChecksumStream {
public:
  ChecksumStream();
  void reset();
  void update(std::span<const std::byte> bytes);
  uint64_t finish() const;

private:
  struct Free {
    void operator()(XXH3_state_s *state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state;
};

/// XXH3-64 of bytes that are all there.
uint64_t checksumOf(std::span<const std::byte> bytes);

/// The checksums of one tensor.
struct TensorChecksums {
  uint64_t pieceBytes = 0;
  bool slabs = false; ///< A piece is one expert's.
  std::vector<uint64_t> hashes;
};

/// The checked content of a sums file.
class Checksums {
public:
  /// Reads `path` and checks that it is whole and belongs to `model`, every tensor and piece of it. Exit code 1, S01 to
  /// S04 (docs/store.md); 3 if the disk fails.
  static Result<Checksums> load(const std::string &path, const gguf::Model &model);
  /// The same of a flatbuffer that has been read and checked.
  static Checksums of(const schema::SumsT &sums);

  /// Nothing if there is no such tensor.
  const TensorChecksums *find(std::string_view tensor) const;

private:
  std::unordered_map<std::string, TensorChecksums> tensors;
};

/// Reads a sums or progress file: header, hash, structure, and that it is the model's. S01 to S04.
Result<schema::SumsT> readSums(const std::string &path, const schema::Identifier &identifier, const gguf::Model &model);
/// The whole file around a flatbuffer.
std::vector<std::byte> packSums(const schema::SumsT &sums, const schema::Identifier &identifier);

/// Where the sums of a model are: MODEL.gguf.sums beside the first file of the model.
std::string sumsPathBeside(const std::string &modelPath);

/// "piece of tensor": `tensor "blk.3.ffn_up_exps.weight", expert 7` or `tensor "output.weight", piece 3`.
std::string describePiece(std::string_view tensor, bool slabs, uint64_t piece);

/// F05: data that is not what it was when its checksum was made. Exit code 1.
tl::unexpected<Error> damagedPiece(const gguf::Place &place, uint64_t offset, std::string_view tensor, bool slabs,
                                   uint64_t piece, uint64_t expected, uint64_t found);

} // namespace strata
