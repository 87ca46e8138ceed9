// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/LocateModel.h"

#include "runtime/Artifact/Checks.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace strata {
namespace fs = std::filesystem;

static std::string hex(const schema::Digest &digest) {
  Digest bytes;
  std::copy(digest.bytes()->begin(), digest.bytes()->end(), bytes.begin());
  return toHex(bytes);
}

/// The file at `path` if it is the model, an error with what is wrong with it otherwise.
static Result<LocatedModel> openModel(const LoadedArtifact &artifact, const fs::path &path) {
  gguf::OpenOptions options;
  options.headerOnly = true;
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(path.string(), options));
  const schema::Model &compiled = *artifact.root().model();
  std::string expected = hex(*compiled.fingerprint()), found = toHex(model.fingerprint());
  if (expected == found)
    return LocatedModel{std::move(model), path.string()};
  return artifact::refuse(
      "G50", fmt::format("the artifact {} was compiled for {} ({}, fingerprint {:.16}) and {} is another model "
                         "(fingerprint {:.16}): give the right one with --weights, or compile this one",
                         escapeName(artifact.path()), artifact::printable(compiled.files()->Get(0)->name()),
                         compiled.name() ? artifact::printable(compiled.name()) : "no name", expected,
                         escapeName(path.string()), found));
}

static Result<std::vector<fs::path>> candidates(const LoadedArtifact &artifact,
                                                const std::optional<std::string> &weights) {
  const schema::Model &compiled = *artifact.root().model();
  fs::path name = compiled.files()->Get(0)->name()->str();
  if (name != name.filename() || name.empty())
    return artifact::refuse("A32", fmt::format("the artifact {} names its model {}, which is no file's name",
                                               escapeName(artifact.path()), escapeName(name.string())));
  std::error_code ignored;
  if (weights)
    return std::vector<fs::path>{fs::is_directory(*weights, ignored) ? *weights / name : fs::path(*weights)};
  std::vector<fs::path> result = {fs::path(artifact.path()).parent_path() / name};
  if (fs::path hint = compiled.path()->str(); !hint.empty())
    result.push_back(hint);
  return result;
}

Result<LocatedModel> locateModel(const LoadedArtifact &artifact, const std::optional<std::string> &weights) {
  STRATA_ASSIGN(std::vector<fs::path> paths, candidates(artifact, weights));
  std::optional<Error> rejected;
  std::vector<std::string> names;
  for (const fs::path &path : paths) {
    names.push_back(escapeName(path.string()));
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))
      continue;
    auto model = openModel(artifact, path);
    if (model)
      return model;
    if (!rejected)
      rejected = model.error();
  }
  if (rejected)
    return tl::unexpected<Error>(std::move(*rejected));
  return artifact::refuse("A32", fmt::format("the model {} is not there (no regular file at {}): give its place with "
                                             "--weights",
                                             artifact::printable(artifact.root().model()->files()->Get(0)->name()),
                                             fmt::join(names, ", nor at ")));
}

static std::string describeInfo(uint32_t file, uint64_t offset, Encoding encoding,
                                const std::vector<uint64_t> &dimensions) {
  return fmt::format("{} [{}] at byte {} of file {}", encodingInfo(encoding).name, fmt::join(dimensions, ", "), offset,
                     file);
}

Result<void> checkTensorsOf(const schema::Artifact &artifact, const gguf::Model &model) {
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    const gguf::TensorInfo *info = model.findTensor(tensor->name()->string_view());
    if (!info)
      return artifact::refuse("A11", fmt::format("the model has no tensor {} and the artifact uses it: compile the "
                                                 "model again",
                                                 artifact::printable(tensor->name())));
    std::vector<uint64_t> dimensions(tensor->dimensions()->begin(), tensor->dimensions()->end());
    auto encoding = static_cast<Encoding>(tensor->encoding());
    if (info->file != tensor->file() || info->offset != tensor->offset() || info->encoding != encoding ||
        info->bytes != tensor->bytes() || info->dimensions != dimensions)
      return artifact::refuse(
          "A11", fmt::format("the model's tensor {} is {} and the artifact says {}: compile the model again",
                             artifact::printable(tensor->name()),
                             describeInfo(info->file, info->offset, info->encoding, info->dimensions),
                             describeInfo(tensor->file(), tensor->offset(), encoding, dimensions)));
  }
  return {};
}

} // namespace strata
