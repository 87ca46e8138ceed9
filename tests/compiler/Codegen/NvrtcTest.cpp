// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Finding NVRTC, compiling with it, the cache, what a cubin says; and the texts of the kernels.
#include "compiler/Codegen/CompileKernels.h"
#include "compiler/Codegen/Cubin.h"
#include "compiler/Codegen/KernelSources.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {

using testing::HasSubstr;

constexpr const char *kWheel = "nvidia-cuda-nvrtc-cu12==12.9.86";

const Nvrtc &nvrtc() {
  static const Nvrtc opened = Nvrtc::open().value();
  return opened;
}

KernelUnit unit(std::string name, std::string body = "") {
  return {name,
          fmt::format("extern \"C\" __global__ void {}(float *x) {{\n  x[threadIdx.x] = 1.0f;\n{}}}\n", name, body)};
}

TEST(NvrtcTest, TheSetUpFolderHasOneForSm70) {
  auto opened = Nvrtc::open();
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->version(), "12.9");
}

TEST(NvrtcTest, N01WithoutALibraryInTheOptionsFolder) {
  TemporaryFolder folder;
  auto opened = Nvrtc::open({.option = folder.path("")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "N01");
  EXPECT_EQ(opened.error().code, ExitCode::Machine);
  EXPECT_THAT(opened.error().message, HasSubstr("--nvrtc"));
  EXPECT_THAT(opened.error().message, HasSubstr(kWheel));
}

TEST(NvrtcTest, N01WithoutALibraryAnywhere) {
  auto opened = Nvrtc::open({.option = "", .setupFolder = "", .system = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "N01");
  EXPECT_EQ(opened.error().code, ExitCode::Machine);
  EXPECT_THAT(opened.error().message, HasSubstr("tools/cuda.sh"));
}

TEST(NvrtcTest, N01ForAFileThatIsNoLibrary) {
  TemporaryFolder folder;
  folder.write("libnvrtc.so.12", "text");
  auto opened = Nvrtc::open({.option = folder.path("")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "N01");
}

TEST(NvrtcTest, N02Cuda13IsRefused) {
  auto opened = Nvrtc::open({.option = STRATA_FAKE_NVRTC "/13"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "N02");
  EXPECT_EQ(opened.error().code, ExitCode::Machine);
  EXPECT_THAT(opened.error().message, HasSubstr("NVRTC 13.0"));
  EXPECT_THAT(opened.error().message, HasSubstr("sm_70"));
  EXPECT_THAT(opened.error().message, HasSubstr(kWheel));
}

TEST(NvrtcTest, N02ALibraryWithoutTheFunctions) {
  auto opened = Nvrtc::open({.option = STRATA_FAKE_NVRTC "/empty"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().id, "N02");
}

TEST(NvrtcTest, N03AnErrorHasTheLineOfTheSource) {
  auto compiled = nvrtc().compile(unit("broken", "  unknownName = 3;\n"));
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().id, "N03");
  EXPECT_EQ(compiled.error().code, ExitCode::Input);
  EXPECT_THAT(compiled.error().message, HasSubstr("broken.cu:3: "));
  EXPECT_THAT(compiled.error().message, HasSubstr("unknownName"));
}

TEST(NvrtcTest, TheFirstUnitThatDoesNotCompileIsNamed) {
  std::vector<KernelUnit> units = {unit("good"), unit("bad", "  a();\n"), unit("worse", "  b();\n")};
  auto compiled = compileKernels(nvrtc(), units, {.workers = 3, .cacheFolder = ""});
  ASSERT_FALSE(compiled);
  EXPECT_THAT(compiled.error().message, HasSubstr("kernel bad "));
}

TEST(KernelCacheTest, TheSecondTimeIsFromDisk) {
  TemporaryFolder folder;
  std::vector<KernelUnit> units;
  for (int i = 0; i < 8; ++i)
    units.push_back(unit(fmt::format("kernel{}", i)));
  CompileOptions options{.workers = 2, .cacheFolder = folder.path("cache")};
  CompiledUnits first = compileKernels(nvrtc(), units, options).value();
  CompiledUnits second = compileKernels(nvrtc(), units, options).value();
  EXPECT_EQ(first.fromCache, 0u);
  EXPECT_EQ(first.cacheError, "");
  EXPECT_EQ(second.fromCache, units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    EXPECT_EQ(first.units[i].ptx, second.units[i].ptx);
    EXPECT_EQ(first.units[i].cubin, second.units[i].cubin);
    EXPECT_THAT(first.units[i].ptx, HasSubstr(units[i].name));
  }
}

TEST(KernelCacheTest, ADamagedFileIsCompiledAgain) {
  TemporaryFolder folder;
  KernelUnit source = unit("kernel");
  CompileOptions options{.workers = 1, .cacheFolder = folder.path("")};
  CompiledUnits first = compileKernels(nvrtc(), std::span(&source, 1), options).value();
  std::string name = KernelCache::keyOf(nvrtc(), source) + ".kernel";
  std::ifstream file(folder.path(name), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(bytes.size(), 1000u);
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  for (const std::string &damaged : {flipped, bytes.substr(0, bytes.size() - 1), bytes.substr(0, 10), std::string()}) {
    folder.write(name, damaged);
    CompiledUnits again = compileKernels(nvrtc(), std::span(&source, 1), options).value();
    EXPECT_EQ(again.fromCache, 0u);
    EXPECT_EQ(again.units[0].ptx, first.units[0].ptx);
  }
}

TEST(KernelCacheTest, TheKeyIsOfTheSource) {
  EXPECT_NE(KernelCache::keyOf(nvrtc(), unit("a")), KernelCache::keyOf(nvrtc(), unit("b")));
}

TEST(KernelCacheTest, N05AFolderThatCannotBeMadeIsSaidAndDoesNoHarm) {
  TemporaryFolder folder;
  std::string blocked = folder.write("file", "") + "/cache";
  KernelUnit source = unit("kernel");
  CompiledUnits compiled = compileKernels(nvrtc(), std::span(&source, 1), {.cacheFolder = blocked}).value();
  EXPECT_FALSE(compiled.units[0].cubin.empty());
  EXPECT_THAT(compiled.cacheError, HasSubstr("XDG_CACHE_HOME"));
}

TEST(CubinTest, SaysWhatAKernelNeeds) {
  std::string source =
      "extern \"C\" __global__ void sharing(float *x, int i) {\n  __shared__ float s[96];\n"
      "  s[threadIdx.x] = x[threadIdx.x];\n  __syncthreads();\n  x[threadIdx.x] = s[i];\n}\n"
      "extern \"C\" __global__ void indexing(float *x, int i) {\n  float local[200];\n"
      "  for (int j = 0; j < 200; ++j) local[j] = x[j * i];\n  x[0] = local[i] + local[x[1] > 0 ? 3 : i + 1];\n}\n";
  CompiledUnit compiled = nvrtc().compile({"unit", source}).value();
  auto kernels = cubinResources(compiled.cubin).value();
  ASSERT_EQ(kernels.size(), 2u);
  for (const KernelResources &kernel : kernels) {
    bool sharing = kernel.name == "sharing";
    EXPECT_GT(kernel.registers, 4u);
    EXPECT_LT(kernel.registers, 64u);
    EXPECT_EQ(kernel.sharedBytes, sharing ? 384u : 0u);
    EXPECT_EQ(kernel.stackBytes, sharing ? 0u : 800u);
  }
}

TEST(CubinTest, N04WhatIsNone) {
  CompiledUnit compiled = nvrtc().compile(unit("kernel")).value();
  EXPECT_FALSE(cubinResources({}));
  EXPECT_FALSE(cubinResources(std::span(compiled.cubin).subspan(1)));
  // Cut anywhere it is refused or understood, and never read past its end.
  for (size_t size = 0; size < compiled.cubin.size(); size += 7) {
    std::vector<std::byte> cut(compiled.cubin.begin(), compiled.cubin.begin() + static_cast<std::ptrdiff_t>(size));
    auto read = cubinResources(cut);
    EXPECT_EQ(read ? "N04" : read.error().id, "N04");
  }
}

TEST(KernelSourcesTest, EveryFileCompilesWithWhatItNeeds) {
  for (const KernelText &text : kernelTexts()) {
    SCOPED_TRACE(text.name);
    EXPECT_EQ(text.text.find("#include"), std::string_view::npos);
    auto compiled = nvrtc().compile({"unit", unitPrefix(std::span(&text.name, 1)) + unit("kernel").source});
    EXPECT_TRUE(compiled) << compiled.error().message;
  }
}

TEST(KernelSourcesTest, NeededFilesComeFirstAndOnce) {
  std::vector<std::string_view> files = {"ExpertsPrompt.cuh", "MatmulFew.cuh"};
  std::string text = unitPrefix(files);
  std::vector<std::string_view> marks = {"constexpr unsigned kWarp", "using I8",         "lanesFor(unsigned",
                                         "void matmulFew(",          "struct TileStage", "void expertsPromptGateUp("};
  size_t last = 0;
  for (std::string_view mark : marks) {
    size_t at = text.find(mark);
    ASSERT_NE(at, std::string::npos) << mark;
    EXPECT_GE(at, last) << mark;
    last = at;
  }
  EXPECT_EQ(text.find("void matmulFew("), text.rfind("void matmulFew("));
}

} // namespace
} // namespace strata
