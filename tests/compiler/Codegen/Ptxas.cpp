// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/compiler/Codegen/Ptxas.h"

#include "compiler/Codegen/Nvrtc.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <regex>
#include <stdexcept>
#include <unistd.h>

namespace strata::test {

namespace {

/// Standard output and error of a command that must succeed.
std::string outputOf(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    throw std::runtime_error("no process can be started");
  std::string text;
  std::array<char, 4096> part;
  while (size_t count = std::fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), count);
  if (pclose(pipe) != 0)
    throw std::runtime_error(fmt::format("{}: {}", command, text));
  return text;
}

uint32_t numberIn(const std::string &text, const char *pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex(pattern)))
    throw std::runtime_error(fmt::format("ptxas -v says nothing like '{}': {}", pattern, text));
  return static_cast<uint32_t>(std::stoul(match[1]));
}

} // namespace

PtxasReport runPtxas(const std::string &ptx) {
  std::string folder = (std::filesystem::temp_directory_path() / "strata-ptxas-XXXXXX").string();
  if (!mkdtemp(folder.data()))
    throw std::runtime_error("no temporary folder can be made");
  struct Remove {
    const std::string &folder;
    ~Remove() { std::filesystem::remove_all(folder); }
  } remove{folder};
  std::ofstream(folder + "/kernel.ptx") << ptx;
  PtxasReport report;
  report.text = outputOf(fmt::format("'{}/ptxas' -arch=sm_70 -v '{}/kernel.ptx' -o '{}/kernel.cubin'",
                                     NvrtcSearch::defaultSetupFolder(), folder, folder));
  report.registers = numberIn(report.text, R"(Used (\d+) registers)");
  report.spillStoreBytes = numberIn(report.text, R"((\d+) bytes spill stores)");
  report.spillLoadBytes = numberIn(report.text, R"((\d+) bytes spill loads)");
  return report;
}

} // namespace strata::test
