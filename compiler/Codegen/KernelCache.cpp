// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/KernelCache.h"

#include "compiler/Support/AtomicFile.h"
#include "runtime/Weights/Sha256.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <xxhash.h>

namespace strata {
namespace {

/// The file: this header, the PTX, the cubin. Numbers are those of the machine, which reads what it wrote.
struct Header {
  char identifier[8] = {'S', 'T', 'R', 'A', 'K', 'E', 'R', '1'};
  uint64_t ptxBytes = 0;
  uint64_t cubinBytes = 0;
  uint64_t hash = 0; ///< XXH3 of what follows.
};

void addText(Sha256 &hash, std::string_view text) {
  // With its length: no two lists of texts are the same bytes.
  uint64_t size = text.size();
  hash.update(std::as_bytes(std::span(&size, 1)));
  hash.update(std::as_bytes(std::span(text)));
}

} // namespace

std::string KernelCache::defaultFolder() {
  auto variable = [](const char *name) {
    const char *value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string base = variable("XDG_CACHE_HOME"); !base.empty())
    return base + "/strata/kernels";
  if (std::string home = variable("HOME"); !home.empty())
    return home + "/.cache/strata/kernels";
  return "";
}

std::string KernelCache::keyOf(const Nvrtc &nvrtc, const KernelUnit &unit) {
  Sha256 hash;
  addText(hash, nvrtc.version());
  for (const char *option : nvrtc.options())
    addText(hash, option);
  addText(hash, unit.source);
  return toHex(hash.finish());
}

std::string KernelCache::pathOf(const std::string &key) const {
  return fmt::format("{}/{}.kernel", folder, key);
}

std::optional<CompiledUnit> KernelCache::find(const std::string &key) const {
  if (folder.empty())
    return std::nullopt;
  std::ifstream file(pathOf(key), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  Header header, expected;
  if (bytes.size() < sizeof header)
    return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::string_view content = std::string_view(bytes).substr(sizeof header);
  if (std::memcmp(header.identifier, expected.identifier, sizeof header.identifier) != 0 ||
      header.ptxBytes > content.size() || header.cubinBytes != content.size() - header.ptxBytes ||
      header.hash != XXH3_64bits(content.data(), content.size()))
    return std::nullopt;
  auto cubin = std::as_bytes(std::span(content)).subspan(header.ptxBytes);
  return CompiledUnit{std::string(content.substr(0, header.ptxBytes)), {cubin.begin(), cubin.end()}};
}

Result<void> KernelCache::store(const std::string &key, const CompiledUnit &unit) const {
  if (folder.empty())
    return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(ExitCode::Machine, "N05",
                fmt::format("the folder '{}' for compiled kernels cannot be made: {}; set XDG_CACHE_HOME to another",
                            escapeName(folder), error.message()));
  std::string content = unit.ptx;
  content.append(reinterpret_cast<const char *>(unit.cubin.data()), unit.cubin.size());
  Header header;
  header.ptxBytes = unit.ptx.size();
  header.cubinBytes = unit.cubin.size();
  header.hash = XXH3_64bits(content.data(), content.size());
  content.insert(0, reinterpret_cast<const char *>(&header), sizeof header);
  return writeFileAtomically(pathOf(key), std::as_bytes(std::span(content)));
}

} // namespace strata
