// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Gguf.h"

#include "runtime/Weights/HeaderReader.h"
#include "runtime/Weights/Splits.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <map>

namespace strata::gguf {

bool isGguf(const std::string &path) {
  std::array<char, kMagic.size()> magic = {};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == kMagic;
}

static Result<std::vector<Header>> readHeaders(const std::string &path, OpenOptions options, Sha256 &fingerprint) {
  STRATA_ASSIGN(std::vector<Place> places, placesOf(path));
  std::vector<Header> headers;
  for (const Place &place : places) {
    if (place.number != 1)
      STRATA_TRY(checkExists(place));
    STRATA_ASSIGN(Header header, readHeader(place, options, fingerprint));
    STRATA_TRY(checkPart(header));
    headers.push_back(std::move(header));
  }
  STRATA_TRY(checkSet(headers));
  return headers;
}

/// G31: one report of all encodings without kernels, each with its first tensor: `Q4_K ("a" and 3 more)`.
static Result<void> checkEncodings(const Model &model) {
  std::map<std::string_view, std::vector<const TensorInfo *>> unsupported;
  for (const TensorInfo &info : model.tensors())
    if (const EncodingInfo &encoding = encodingInfo(info.encoding); !encoding.supported)
      unsupported[encoding.name].push_back(&info);
  if (unsupported.empty())
    return {};
  std::vector<std::string> list;
  for (const auto &[name, infos] : unsupported) {
    std::string more = infos.size() == 1 ? "" : fmt::format(" and {} more", infos.size() - 1);
    list.push_back(fmt::format("{} (\"{}\"{})", name, escapeName(infos.front()->name), more));
  }
  return Place{model.files().front().path, 1, 1}.fail(
      "G31", fmt::format("there are no kernels for {}; quantise the model with {} only", fmt::join(list, ", "),
                         supportedEncodings()));
}

Result<Model> Model::open(const std::string &path, OpenOptions options) {
  Sha256 hash;
  STRATA_ASSIGN(std::vector<Header> headers, readHeaders(path, options, hash));
  Model model;
  model.headerDigest = hash.finish();
  for (Header &header : headers) {
    std::move(header.tensors.begin(), header.tensors.end(), std::back_inserter(model.tensorInfos));
    std::move(header.warnings.begin(), header.warnings.end(), std::back_inserter(model.warningTexts));
    model.fileInfos.push_back(std::move(header.file));
  }
  model.keyValues = std::move(headers.front().metadata);
  for (size_t i = 0; i < model.tensorInfos.size(); ++i) {
    const TensorInfo &info = model.tensorInfos[i];
    auto [earlier, isNew] = model.tensorIndex.emplace(info.name, i);
    if (!isNew)
      return headers[info.file].place.fail(
          "G26", fmt::format("the tensor \"{}\" is also in file {}; split the model again", escapeName(info.name),
                             model.tensorInfos[earlier->second].file + 1));
  }
  STRATA_TRY(checkEncodings(model));
  return model;
}

const TensorInfo *Model::findTensor(std::string_view name) const {
  auto found = tensorIndex.find(name);
  return found == tensorIndex.end() ? nullptr : &tensorInfos[found->second];
}

} // namespace strata::gguf
