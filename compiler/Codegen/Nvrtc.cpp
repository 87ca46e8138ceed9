// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/Nvrtc.h"

#include <algorithm>
#include <array>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <regex>

namespace strata {
namespace {

constexpr int kArchitecture = 70;
constexpr std::string_view kWheel = "nvidia-cuda-nvrtc-cu12==12.9.86";

/// NVRTC's handle of a program, and what its functions return on success (nvrtc.h).
using Program = struct OpaqueProgram *;
constexpr int kSuccess = 0;

constexpr std::array kOptions = {"--gpu-architecture=sm_70", "--std=c++17", "--device-as-default-execution-space",
                                 "--fmad=false", "--disable-warnings"};

std::string adviceAboutWheel() {
  return fmt::format("run tools/cuda.sh, or unpack the wheel {} and name its folder with --nvrtc", kWheel);
}

} // namespace

struct Nvrtc::Functions {
  struct Close {
    void operator()(void *library) const { dlclose(library); }
  };
  std::unique_ptr<void, Close> library;
  int (*version)(int *, int *) = nullptr;
  int (*numberOfArchitectures)(int *) = nullptr;
  int (*architectures)(int *) = nullptr;
  int (*createProgram)(Program *, const char *, const char *, int, const char *const *, const char *const *) = nullptr;
  int (*destroyProgram)(Program *) = nullptr;
  int (*compileProgram)(Program, int, const char *const *) = nullptr;
  int (*logSize)(Program, size_t *) = nullptr;
  int (*log)(Program, char *) = nullptr;
  int (*ptxSize)(Program, size_t *) = nullptr;
  int (*ptx)(Program, char *) = nullptr;
  int (*cubinSize)(Program, size_t *) = nullptr;
  int (*cubin)(Program, char *) = nullptr;
  const char *(*errorText)(int) = nullptr;

  /// False if the library lacks one of them.
  bool resolve() {
    bool all = true;
    auto find = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library.get(), name));
      all = all && function != nullptr;
    };
    find(version, "nvrtcVersion");
    find(numberOfArchitectures, "nvrtcGetNumSupportedArchs");
    find(architectures, "nvrtcGetSupportedArchs");
    find(createProgram, "nvrtcCreateProgram");
    find(destroyProgram, "nvrtcDestroyProgram");
    find(compileProgram, "nvrtcCompileProgram");
    find(logSize, "nvrtcGetProgramLogSize");
    find(log, "nvrtcGetProgramLog");
    find(ptxSize, "nvrtcGetPTXSize");
    find(ptx, "nvrtcGetPTX");
    find(cubinSize, "nvrtcGetCUBINSize");
    find(cubin, "nvrtcGetCUBIN");
    find(errorText, "nvrtcGetErrorString");
    return all;
  }

  std::vector<int> supported() const {
    int count = 0;
    if (numberOfArchitectures(&count) != kSuccess || count <= 0)
      return {};
    std::vector<int> list(static_cast<size_t>(count));
    if (architectures(list.data()) != kSuccess)
      return {};
    return list;
  }
};

std::string NvrtcSearch::defaultSetupFolder() {
  return STRATA_CUDA_FOLDER;
}

std::span<const char *const> Nvrtc::options() const {
  return kOptions;
}

Result<Nvrtc> Nvrtc::openLibrary(const std::string &path) {
  Nvrtc result;
  auto opened = std::make_shared<Functions>();
  opened->library.reset(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!opened->library) {
    const char *reason = dlerror();
    return fail(ExitCode::Machine, "N01",
                fmt::format("NVRTC cannot be opened ({}); {}", escapeName(reason ? reason : path), adviceAboutWheel()));
  }
  int major = 0, minor = 0;
  if (!opened->resolve() || opened->version(&major, &minor) != kSuccess)
    return fail(ExitCode::Machine, "N02",
                fmt::format("'{}' is not an NVRTC that Strata can use: it lacks functions of NVRTC 12; {}",
                            escapeName(path), adviceAboutWheel()));
  std::vector<int> supported = opened->supported();
  if (std::ranges::find(supported, kArchitecture) == supported.end())
    return fail(
        ExitCode::Machine, "N02",
        fmt::format("NVRTC {}.{} ('{}') cannot target sm_70, the V100S's architecture, which CUDA 13 dropped; {}",
                    major, minor, escapeName(path), adviceAboutWheel()));
  result.functions = std::move(opened);
  result.versionText = fmt::format("{}.{}", major, minor);
  result.libraryPath = path;
  return result;
}

Result<Nvrtc> Nvrtc::open(const NvrtcSearch &search) {
  auto libraryIn = [](const std::string &folder) {
    return (std::filesystem::path(folder) / "libnvrtc.so.12").string();
  };
  std::error_code ignored;
  if (!search.option.empty()) {
    // A folder without libnvrtc.so.12 may have another version: it is opened to say which.
    std::string path = libraryIn(search.option);
    for (const char *other : {"libnvrtc.so.13", "libnvrtc.so"})
      if (!std::filesystem::exists(path, ignored))
        path = (std::filesystem::path(search.option) / other).string();
    if (!std::filesystem::exists(path, ignored))
      return fail(ExitCode::Machine, "N01",
                  fmt::format("there is no libnvrtc.so.12 in '{}', the folder of --nvrtc; {}",
                              escapeName(search.option), adviceAboutWheel()));
    return openLibrary(path);
  }
  std::vector<std::string> candidates;
  if (!search.setupFolder.empty() && std::filesystem::exists(libraryIn(search.setupFolder), ignored))
    candidates.push_back(libraryIn(search.setupFolder));
  if (search.system)
    for (const char *name : {"libnvrtc.so.12", "libnvrtc.so", "libnvrtc.so.13"})
      candidates.emplace_back(name);
  // The first that can be used; else the reason why one that was found cannot.
  Result<Nvrtc> refused =
      fail(ExitCode::Machine, "N01",
           fmt::format("there is no NVRTC on this machine (libnvrtc.so.12, in {} or a system folder); {}",
                       search.setupFolder.empty() ? "--nvrtc's" : "tools/cuda.sh's", adviceAboutWheel()));
  for (const std::string &candidate : candidates) {
    Result<Nvrtc> opened = openLibrary(candidate);
    if (opened)
      return opened;
    if (opened.error().id == "N02" && refused.error().id == "N01")
      refused = std::move(opened);
  }
  return refused;
}

/// The first error of NVRTC's log with its line: "NAME.cu(12): error: TEXT" becomes "NAME.cu:12: TEXT".
static std::string firstError(const std::string &name, const std::string &log) {
  static const std::regex kPattern(R"(\((\d+)\): (?:catastrophic )?error:? ?([^\n]*))");
  std::smatch match;
  if (std::regex_search(log, match, kPattern))
    return fmt::format("{}.cu:{}: {}", name, match[1].str(), match[2].str());
  return fmt::format("{}.cu: {}", name, log.empty() ? "NVRTC says no more" : log.substr(0, 500));
}

Result<CompiledUnit> Nvrtc::compile(const KernelUnit &unit) const {
  const Functions &call = *functions;
  Program program = nullptr;
  std::string fileName = unit.name + ".cu";
  int status = call.createProgram(&program, unit.source.c_str(), fileName.c_str(), 0, nullptr, nullptr);
  struct Destroy {
    const Functions &call;
    Program &program;
    ~Destroy() {
      if (program)
        call.destroyProgram(&program);
    }
  } destroy{call, program};
  auto failed = [&](const std::string &what) {
    return fail(ExitCode::Input, "N03",
                fmt::format("kernel {} does not compile: {} (NVRTC {}: {}); look at that line of the generated source",
                            unit.name, what, versionText, call.errorText(status)));
  };
  if (status != kSuccess)
    return failed(fileName);
  status = call.compileProgram(program, static_cast<int>(kOptions.size()), kOptions.data());
  if (status != kSuccess) {
    size_t size = 0;
    std::string log;
    if (call.logSize(program, &size) == kSuccess && size > 0) {
      log.resize(size);
      if (call.log(program, log.data()) != kSuccess)
        log.clear();
    }
    return failed(firstError(unit.name, log));
  }
  CompiledUnit result;
  size_t ptxBytes = 0, cubinBytes = 0;
  if ((status = call.ptxSize(program, &ptxBytes)) != kSuccess ||
      (status = call.cubinSize(program, &cubinBytes)) != kSuccess || ptxBytes == 0 || cubinBytes == 0)
    return failed("NVRTC made no PTX or no cubin");
  result.ptx.resize(ptxBytes);
  result.cubin.resize(cubinBytes);
  if ((status = call.ptx(program, result.ptx.data())) != kSuccess ||
      (status = call.cubin(program, reinterpret_cast<char *>(result.cubin.data()))) != kSuccess)
    return failed("NVRTC made no PTX or no cubin");
  result.ptx.resize(result.ptx.find('\0') == std::string::npos ? ptxBytes : result.ptx.find('\0'));
  return result;
}

} // namespace strata
