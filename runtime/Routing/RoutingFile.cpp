// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/RoutingFile.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace strata {

Result<std::vector<std::byte>> readRoutingBytes(const std::string &path) {
  std::error_code error;
  bool regular = std::filesystem::is_regular_file(path, error);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!regular || !file)
    return fail(ExitCode::Input, "",
                fmt::format("\"{}\" is no file that can be read; give a routing trace or a usage file of strata-run",
                            escapeName(path)));
  std::vector<std::byte> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
    return fail(
        ExitCode::Machine, "",
        fmt::format("\"{}\" cannot be read to its end; look at the disk, or record it again", escapeName(path)));
  return bytes;
}

Result<RoutingFile> loadRoutingFile(const std::string &path, const RoutingShape &expected) {
  STRATA_ASSIGN(std::vector<std::byte> bytes, readRoutingBytes(path));
  RoutingFile file;
  auto beginsWith = [&](std::string_view identifier) {
    return bytes.size() >= identifier.size() && std::memcmp(bytes.data(), identifier.data(), identifier.size()) == 0;
  };
  if (beginsWith(kTraceIdentifier)) {
    STRATA_ASSIGN(file.trace, decodeTrace(bytes, path));
    STRATA_TRY(checkSameModel(file.trace->shape, expected, path));
    file.usage = countTrace(*file.trace);
  } else if (beginsWith(kUsageIdentifier)) {
    STRATA_ASSIGN(file.usage, decodeUsage(bytes, path));
    STRATA_TRY(checkSameModel(file.usage.shape, expected, path));
  } else {
    return fail(ExitCode::Input, "",
                fmt::format("\"{}\" is neither a routing trace nor a usage file; give one that strata-run wrote",
                            escapeName(path)));
  }
  return file;
}

} // namespace strata
