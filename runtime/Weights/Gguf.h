// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A model in GGUF: one file, or a split set of them. Only headers are read here, never weights.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Encoding.h"
#include "runtime/Weights/Metadata.h"
#include "runtime/Weights/Sha256.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strata::gguf {

/// Where a tensor's bytes are and what they mean.
struct TensorInfo {
  std::string name;
  uint32_t file = 0;                ///< Index into Model::files().
  std::vector<uint64_t> dimensions; ///< Row-major: the last one is contiguous (GGUF's ne reversed).
  Encoding encoding = Encoding::F32;
  uint64_t offset = 0; ///< In bytes from the start of its file.
  uint64_t bytes = 0;
};

struct FileInfo {
  std::string path;
  uint64_t headerBytes = 0;  ///< From 0 to the start of the tensor data.
  uint64_t impliedBytes = 0; ///< The file size that the header implies: the end of its last tensor.
  uint64_t actualBytes = 0;
};

struct OpenOptions {
  /// Every file may be cut anywhere after its tensor infos: planning needs no weights.
  bool headerOnly = false;
};

/// Whether a file begins as a GGUF does; not, if it cannot be read.
bool isGguf(const std::string &path);

/// The checked headers of a model.
class Model {
public:
  /// Reads the headers of `path`, and of its siblings if it is the first of a split set
  /// (PREFIX-00001-of-00003.gguf). Errors G01 to G42 name the file, the byte and the remedy; exit code 1, or 3 where
  /// the disk fails.
  static Result<Model> open(const std::string &path, OpenOptions options = {});

  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;
  Model(Model &&) = default;
  Model &operator=(Model &&) = default;

  /// In split order.
  const std::vector<FileInfo> &files() const { return fileInfos; }
  /// In file order, then in the order of each header.
  const std::vector<TensorInfo> &tensors() const { return tensorInfos; }
  /// Nothing if there is no such tensor.
  const TensorInfo *findTensor(std::string_view name) const;
  /// The first file's key-values: a split set keeps all of the model's there.
  const Metadata &metadata() const { return keyValues; }
  /// Nothing if there is no such key.
  const Value *find(std::string_view key) const { return keyValues.find(key); }
  /// What is odd but harmless (G37), one sentence each.
  const std::vector<std::string> &warnings() const { return warningTexts; }
  /// SHA-256 over, for every file in split order, its bytes from 0 to the start of its tensor data and then its implied
  /// size as 8 little-endian bytes. Alignment padding that a cut file lacks counts as zeros, which writers put there,
  /// so that a cut file and the whole one have the same fingerprint.
  const Digest &fingerprint() const { return headerDigest; }

private:
  Model() = default;

  std::vector<FileInfo> fileInfos;
  std::vector<TensorInfo> tensorInfos;
  std::unordered_map<std::string_view, size_t> tensorIndex; ///< Views of the infos' names, which never move.
  Metadata keyValues;
  std::vector<std::string> warningTexts;
  Digest headerDigest = {};
};

} // namespace strata::gguf
