// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Arenas of a run, the memory that the process may use, and the weights that are read.

#include "runtime/Memory/Arenas.h"

#include "runtime/Base/HostLimits.h"
#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Memory/NarrowWeights.h"
#include "runtime/Memory/Reads/SimulatedReads.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::test {
namespace {

using schema::ActivationEncoding;
using schema::ArenaKind;
using schema::KvEncoding;
using testing::HasSubstr;

class ArenasTest : public testing::Test {
protected:
  ArenasTest() : payload(packArtifact(model.artifact())) {}
  const schema::Artifact &artifact() const { return *schema::GetArtifact(payload.data()); }

  TestModel model;
  std::vector<std::byte> payload;
};

TEST_F(ArenasTest, SizesFollowTheEncodings) {
  EncodingChoice planned = plannedEncodings(*artifact().settings());
  EXPECT_EQ(planned, (EncodingChoice{ActivationEncoding::i16, ActivationEncoding::i8, KvEncoding::f16}));
  std::vector<uint64_t> small = arenaBytes(artifact(), planned);
  std::vector<uint64_t> large =
      arenaBytes(artifact(), {ActivationEncoding::f32, ActivationEncoding::i16, KvEncoding::f32});
  ASSERT_EQ(small.size(), 5u);
  const auto &arenas = *artifact().arenas();
  EXPECT_EQ(small[1], arenas[1]->bytes()->Get(0));
  EXPECT_EQ(large[1], arenas[1]->bytes()->Get(1));
  EXPECT_EQ(small[2], arenas[2]->bytes()->Get(1));
  EXPECT_EQ(large[2], arenas[2]->bytes()->Get(2));
  EXPECT_EQ(small[3], arenas[3]->bytes()->Get(0));
  EXPECT_EQ(large[3], arenas[3]->bytes()->Get(1));
  EXPECT_EQ(small[0], large[0]);
}

TEST_F(ArenasTest, F16_MoreThanThereIs) {
  EncodingChoice planned = plannedEncodings(*artifact().settings());
  MemoryNeed need = {1000, 20, 3};
  EXPECT_TRUE(checkMemory(artifact(), planned, need, 1023));
  EXPECT_TRUE(checkMemory(artifact(), planned, need, 0)) << "what is not known refuses nothing";
  auto refused = checkMemory(artifact(), planned, need, 1022);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::Machine);
  EXPECT_EQ(refused.error().id, "F16");
  EXPECT_THAT(refused.error().message, HasSubstr("needs 1023 bytes"));
  EXPECT_THAT(refused.error().message, HasSubstr("1022 are available"));
  EXPECT_THAT(refused.error().message, testing::Not(HasSubstr("prediction")));
}

TEST_F(ArenasTest, F16_OfAnotherSetting) {
  EncodingChoice other = plannedEncodings(*artifact().settings());
  other.kv = KvEncoding::f32;
  auto refused = checkMemory(artifact(), other, {2000, 0, 0}, 1000);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the plan's prediction is for other encodings"));
}

TEST_F(ArenasTest, F16_Overflow) {
  auto refused = checkMemory(artifact(), {}, {~uint64_t(0), 1, 0}, ~uint64_t(0) - 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::Machine);
}

/// A container's limit less what its processes hold; files that are only cached do not count.
TEST(AvailableMemory, ContainerLimits) {
  TemporaryFolder root;
  auto write = [&](const std::string &name, const std::string &text) {
    std::filesystem::create_directories(std::filesystem::path(root.path(name)).parent_path());
    root.write(name, text);
  };
  write("proc/meminfo", "MemTotal:  1000000 kB\nMemFree: 5 kB\nMemAvailable:  900000 kB\n");
  write("proc/self/cgroup", "0::/job\n");
  EXPECT_EQ(hostLimits(root.path(""), 1).availableBytes, 900000u * 1024);
  write("sys/fs/cgroup/job/memory.max", "500000000\n");
  write("sys/fs/cgroup/job/memory.current", "450000000\n");
  write("sys/fs/cgroup/job/memory.stat", "anon 50000000\ninactive_file 300000000\nactive_file 100000000\n");
  EXPECT_EQ(hostLimits(root.path(""), 1).availableBytes, 450000000u);
  write("sys/fs/cgroup/job/memory.current", "999999999\n");
  write("sys/fs/cgroup/job/memory.stat", "");
  EXPECT_EQ(hostLimits(root.path(""), 1).availableBytes, 1u) << "nothing left is not the same as not known";
  write("proc/self/cgroup", "5:memory:/old\n");
  write("sys/fs/cgroup/memory/old/memory.limit_in_bytes", "400000000\n");
  write("sys/fs/cgroup/memory/old/memory.usage_in_bytes", "150000000\n");
  write("sys/fs/cgroup/memory/old/memory.stat", "total_inactive_file 30000000\ntotal_active_file 20000000\n");
  EXPECT_EQ(hostLimits(root.path(""), 1).availableBytes, 300000000u);
}

TEST_F(ArenasTest, WeightsAreReadToTheirPlaces) {
  auto device = HostDevice::create({});
  ASSERT_TRUE(device);
  auto arenas = Arenas::allocate(**device, artifact(), plannedEncodings(*artifact().settings()));
  ASSERT_TRUE(arenas) << arenas.error().message;
  auto files = WeightFiles::open(model.model().files());
  ASSERT_TRUE(files) << files.error().message;
  auto reads = openReads(*files, {.depth = 2});
  ASSERT_TRUE(reads) << reads.error().message;
  std::byte *weights = arenas->base(ArenaKind::weights);
  std::string file = testModelFile();
  for (Reads *past : {static_cast<Reads *>(nullptr), reads->get()}) {
    std::memset(weights, 0xEE, artifact().arenas()->Get(0)->bytes()->Get(0));
    uint64_t last = 0, all = 0;
    auto progress = [&](uint64_t done, uint64_t total) {
      EXPECT_GT(done, last);
      last = done;
      all = total;
    };
    auto loaded = loadWeights(artifact(), *files, **device, weights, {progress, nullptr, past});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(last, all);
    for (const schema::Tensor *tensor : *artifact().tensors())
      EXPECT_EQ(std::memcmp(weights + tensor->arena_offset(), file.data() + tensor->offset(), tensor->bytes()), 0)
          << tensor->name()->str();
  }
  EXPECT_EQ(arenas->base(0), weights);
  for (const schema::Arena *arena : *artifact().arenas())
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arenas->base(arena->kind())) % 64, 0u);
}

/// One checksum for each tensor.
Checksums wholeTensorSums(const schema::Artifact &artifact, std::span<const std::byte> file) {
  schema::SumsT sums;
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    auto made = std::make_unique<schema::TensorSumsT>();
    made->name = tensor->name()->str();
    made->piece_bytes = tensor->bytes();
    made->hashes = {checksumOf(file.subspan(tensor->offset(), tensor->bytes()))};
    sums.tensors.push_back(std::move(made));
  }
  return Checksums::of(sums);
}

/// With reads every byte comes by them; what its checksum refutes comes from the file.
TEST_F(ArenasTest, WeightsAreReadPastTheCache) {
  auto device = HostDevice::create({});
  ASSERT_TRUE(device);
  auto arenas = Arenas::allocate(**device, artifact(), plannedEncodings(*artifact().settings()));
  auto files = WeightFiles::open(model.model().files());
  ASSERT_TRUE(arenas && files);
  std::string file = testModelFile();
  auto bytes = std::as_bytes(std::span(file));
  std::vector<std::byte> right(bytes.begin(), bytes.end()), wrong = right;
  for (std::byte &byte : wrong)
    byte ^= std::byte{0x55};
  SimulatedReads reads({wrong}, 1, {});
  std::byte *weights = arenas->base(ArenaKind::weights);
  auto expect = [&](const std::vector<std::byte> &content) {
    for (const schema::Tensor *tensor : *artifact().tensors())
      EXPECT_EQ(std::memcmp(weights + tensor->arena_offset(), content.data() + tensor->offset(), tensor->bytes()), 0)
          << tensor->name()->str();
  };
  ASSERT_TRUE(loadWeights(artifact(), *files, **device, weights, {{}, nullptr, &reads}));
  expect(wrong);
  Checksums sums = wholeTensorSums(artifact(), right);
  ASSERT_TRUE(loadWeights(artifact(), *files, **device, weights, {{}, &sums, &reads}));
  expect(right);
}

TEST_F(ArenasTest, MatricesOfExactNumbersAreNarrowed) {
  std::string file = testModelFile();
  std::vector<std::byte> arena(artifact().arenas()->Get(0)->bytes()->Get(0));
  const schema::Tensor *router = nullptr;
  for (const schema::Tensor *tensor : *artifact().tensors()) {
    std::memcpy(arena.data() + tensor->arena_offset(), file.data() + tensor->offset(), tensor->bytes());
    if (tensor->name()->str() == "blk.1.ffn_gate_inp.weight")
      router = tensor;
  }
  ASSERT_TRUE(router);
  std::vector<std::byte> before = arena;
  std::byte *place = arena.data() + router->arena_offset();
  EXPECT_THAT(narrowWeights(artifact(), arena.data()), testing::ElementsAre(place));
  const std::byte *wide = before.data() + router->arena_offset();
  for (uint64_t i = 0; i < router->bytes() / 4; ++i)
    EXPECT_EQ(std::memcmp(place + 2 * i, wide + 4 * i + 2, 2), 0) << i;
  // Nothing else has changed.
  std::copy_n(wide, router->bytes(), place);
  EXPECT_TRUE(arena == before);
}

TEST_F(ArenasTest, ANumberThatWouldLoseABitKeepsItsMatrix) {
  for (size_t wrong = 0; wrong < 16; ++wrong) {
    std::vector<std::byte> numbers(4 * 16, std::byte{0});
    for (size_t i = 0; i < 16; ++i)
      numbers[4 * i + 3] = std::byte{0x3F};
    std::vector<std::byte> exact = numbers;
    numbers[4 * wrong + wrong % 2] = std::byte{0x80};
    std::vector<std::byte> before = numbers;
    EXPECT_FALSE(narrowNumbers(numbers));
    EXPECT_TRUE(numbers == before);
    EXPECT_TRUE(narrowNumbers(exact));
  }
}

TEST_F(ArenasTest, G35_ShortFile) {
  std::filesystem::resize_file(model.path(), model.model().files()[0].headerBytes + 10);
  auto cut = gguf::Model::open(model.path(), {.headerOnly = true});
  ASSERT_TRUE(cut) << cut.error().message;
  auto files = WeightFiles::open(cut->files());
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().id, "G35");
  EXPECT_EQ(files.error().code, ExitCode::Input);
}

} // namespace
} // namespace strata::test
