// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The back ends on real files: the same bytes from each, and what goes wrong with real files and systems.

#include "runtime/Memory/Reads/Reads.h"

#include "runtime/Base/PageMemory.h"
#include "runtime/Memory/ExpertStore.h"
#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Artifact/TestModel.h"
#include "tests/runtime/Memory/RefusedCalls.h"
#include "tests/runtime/Text/AllocationCount.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/resource.h>
#include <sys/syscall.h>

namespace strata::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

struct ReadsTest : testing::Test {
  TestModel model;
  WeightFiles files = *WeightFiles::open(model.model().files());
  std::string content = testModelFile();

  ExpertCatalogue catalogue(bool checked) const {
    ExpertCatalogue made = *ExpertCatalogue::of(model.model(), nullptr);
    for (ExpertLayer &layer : made.table)
      for (SlabTable &slabs : layer.matrices)
        for (uint32_t expert = 0; checked && expert < layer.experts; ++expert)
          slabs.checksums.push_back(checksumOf(
              std::as_bytes(std::span(content)).subspan(slabs.offset + expert * slabs.slabBytes, slabs.slabBytes)));
    return made;
  }

  std::unique_ptr<ExpertStore> store(Reads &reads, bool checked = true) const {
    ExpertStoreOptions options;
    options.sharedSlots = 2;
    options.keepsShared = true;
    options.files = {model.path()};
    auto created = ExpertStore::create(catalogue(checked), reads, std::make_unique<LruPolicy>(), options);
    if (!created)
      throw std::runtime_error(created.error().message);
    return *std::move(created);
  }

  /// One expert: its error, or nothing if its bytes are right.
  std::optional<Error> use(ExpertStore &from, const ExpertLayer &layer, uint32_t expert) const {
    ExpertStore::Handle handle = 0;
    EXPECT_TRUE(from.want(layer.layer, {&expert, 1}, {&handle, 1}));
    auto waited = from.wait(handle);
    for (uint32_t matrix = 0; waited && matrix < kExpertMatrices; ++matrix) {
      const SlabTable &slabs = layer.matrices[matrix];
      std::span<const std::byte> slab = from.slab(handle, static_cast<ExpertMatrix>(matrix));
      EXPECT_EQ(slab.size(), slabs.slabBytes);
      EXPECT_EQ(std::memcmp(slab.data(), content.data() + slabs.offset + expert * slabs.slabBytes, slab.size()), 0);
    }
    from.release(handle);
    return waited ? std::nullopt : std::optional(waited.error());
  }

  void expectAllRight(Reads &reads) const {
    auto from = store(reads);
    for (const ExpertLayer &layer : from->layers())
      for (uint32_t expert = 0; expert < layer.experts; ++expert) {
        std::optional<Error> error = use(*from, layer, expert);
        EXPECT_FALSE(error) << error->message;
      }
    EXPECT_GT(from->statistics().bytesRead, 1000u);
  }

  void overwrite(uint64_t offset, std::byte bits) const {
    std::fstream file(model.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(static_cast<std::byte>(content[offset]) ^ bits));
  }
};

/// Of each back end.
struct BackEnds : ReadsTest, testing::WithParamInterface<ReadBackend> {
  std::unique_ptr<Reads> reads;

  void SetUp() override {
    auto opened = openReads(files, {.backend = GetParam(), .depth = 3, .capacity = 64});
    if (!opened && opened.error().id == "F12")
      GTEST_SKIP() << opened.error().message;
    ASSERT_TRUE(opened) << opened.error().message;
    reads = *std::move(opened);
  }
};

INSTANTIATE_TEST_SUITE_P(Reads, BackEnds,
                         testing::Values(ReadBackend::Automatic, ReadBackend::Uring, ReadBackend::PreadPool,
                                         ReadBackend::Buffered));

TEST_P(BackEnds, SameBytes) {
  EXPECT_THAT(reads->description(), HasSubstr(" reads"));
  EXPECT_THAT(reads->description(), HasSubstr("3"));
  expectAllRight(*reads);
}

/// Pages of a file in whatever order, many more at one time than the disk gets, some through the page cache.
TEST_P(BackEnds, ManyAtOneTime) {
  constexpr uint64_t kPages = 300;
  std::string bytes(kPages * kReadAlignment, 0);
  std::mt19937_64 random(3);
  for (char &byte : bytes)
    byte = static_cast<char>(random());
  gguf::FileInfo info;
  info.path = model.folder().write("pages", bytes);
  WeightFiles pages = *WeightFiles::open({&info, 1});
  constexpr size_t kRequests = 200, kLongest = 20;
  auto opened = openReads(pages, {.backend = GetParam(), .depth = 4, .capacity = kRequests});
  ASSERT_TRUE(opened);
  Reads &from = **opened;
  EXPECT_EQ(from.capacity(), kRequests);
  PageMemory memory(kRequests * kLongest * kReadAlignment);
  std::vector<ReadRequest> requests(kRequests);
  std::vector<ReadCompletion> arrived(7);
  size_t allocations = text::allocationCount();
  for (size_t i = 0; i < kRequests; ++i) {
    ReadRequest &request = requests[i];
    uint64_t length = 1 + random() % kLongest;
    request.tag = i;
    request.offset = random() % (kPages - length) * kReadAlignment;
    request.to = {memory.data() + i * kLongest * kReadAlignment, length * kReadAlignment};
    request.throughCache = random() % 5 == 0;
    if (random() % 2 == 0) {
      request.hashedFrom = random() % kReadAlignment;
      request.hashedBytes = request.to.size() - request.hashedFrom;
    }
    from.submit(request);
  }
  std::vector<uint8_t> seen(kRequests);
  size_t bytesSeen = text::allocationCount(); // Of `seen`.
  for (size_t left = kRequests; left != 0;) {
    size_t count = from.wait(arrived, std::chrono::seconds(20));
    ASSERT_NE(count, 0u);
    for (size_t i = 0; i < count; ++i) {
      const ReadRequest &request = requests.at(arrived[i].tag);
      auto expected = std::as_bytes(std::span(bytes)).subspan(request.offset, request.to.size());
      ASSERT_EQ(arrived[i].result, static_cast<int64_t>(request.to.size()));
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), request.to.begin()));
      EXPECT_EQ(arrived[i].hashed, request.hashedBytes != 0);
      if (arrived[i].hashed) {
        EXPECT_EQ(arrived[i].hash, checksumOf(expected.subspan(request.hashedFrom, request.hashedBytes)));
      }
      EXPECT_EQ(seen[arrived[i].tag]++, 0);
    }
    left -= count;
  }
  EXPECT_EQ(text::allocationCount() - allocations, bytesSeen - allocations) << "nothing is allocated by reads";
  EXPECT_EQ(bytesSeen - allocations, 1u) << "but `seen`";
}

TEST_P(BackEnds, NothingIsThereInTime) {
  ReadCompletion completion;
  Reads::Duration begun = reads->now();
  EXPECT_EQ(reads->wait({&completion, 1}, std::chrono::milliseconds(30)), 0u);
  EXPECT_GE(reads->now() - begun, std::chrono::milliseconds(30));
  EXPECT_EQ(reads->wait({&completion, 1}, {}), 0u);
}

TEST_P(BackEnds, F03_ShortAndFailedReadsAreReportedAsTheyAre) {
  PageMemory memory(16 * kReadAlignment);
  auto perform = [&](uint64_t offset, size_t pages, bool throughCache) {
    ReadRequest request;
    request.tag = 9;
    request.offset = offset;
    request.to = {memory.data(), pages * kReadAlignment};
    request.hashedBytes = request.to.size();
    request.throughCache = throughCache;
    reads->submit(request);
    ReadCompletion completion;
    EXPECT_EQ(reads->wait({&completion, 1}, std::chrono::seconds(20)), 1u);
    EXPECT_EQ(completion.tag, 9u);
    EXPECT_FALSE(completion.hashed);
    return completion.result;
  };
  uint64_t last = content.size() / kReadAlignment * kReadAlignment;
  ASSERT_NE(last, content.size());
  for (bool throughCache : {false, true}) {
    EXPECT_EQ(perform(last, 2, throughCache), static_cast<int64_t>(content.size() - last));
    EXPECT_EQ(perform(last + 4 * kReadAlignment, 1, throughCache), 0) << "behind the end";
    EXPECT_EQ(perform(uint64_t(1) << 63, 1, throughCache), -EINVAL);
  }
  expectAllRight(*reads);
}

/// Buffers are their owner's again when the reads are gone, whatever was under way.
TEST_P(BackEnds, EndsWithReadsUnderWay) {
  std::string bytes(uint64_t(32) << 20, 'x');
  gguf::FileInfo info;
  info.path = model.folder().write("large", bytes);
  WeightFiles large = *WeightFiles::open({&info, 1});
  constexpr uint64_t kPart = 1 << 20;
  for (int again = 0; again < 10; ++again) {
    PageMemory memory(bytes.size());
    auto opened = openReads(large, {.backend = GetParam(), .depth = 8});
    ASSERT_TRUE(opened);
    for (uint64_t offset = 0; offset < bytes.size(); offset += kPart) {
      ReadRequest request;
      request.offset = offset;
      request.to = {memory.data() + offset, kPart};
      request.throughCache = again % 2 == 1;
      (*opened)->submit(request);
    }
    if (again > 5)
      std::this_thread::sleep_for(std::chrono::milliseconds(again));
    opened->reset();
    std::memset(memory.data(), 'y', bytes.size());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(std::count(memory.data(), memory.data() + bytes.size(), std::byte{'y'}),
              static_cast<ptrdiff_t>(bytes.size()));
  }
}

TEST_P(BackEnds, F05_ThousandPlacesOverwritten) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  ExpertCatalogue places = catalogue(false);
  for (int again = 0; again < 250; ++again) {
    const ExpertLayer &layer = places.layers()[random() % places.layers().size()];
    auto expert = static_cast<uint32_t>(random() % layer.experts);
    const SlabTable &slabs = layer.matrices[random() % kExpertMatrices];
    uint64_t at = slabs.offset + expert * slabs.slabBytes + random() % slabs.slabBytes;
    overwrite(at, static_cast<std::byte>(1u << random() % 8));
    auto from = store(*reads);
    std::optional<Error> error = use(*from, layer, expert);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->id, "F05");
    EXPECT_EQ(error->code, ExitCode::Input);
    EXPECT_THAT(error->message, HasSubstr("tensor \"" + slabs.tensor + "\", expert " + std::to_string(expert) + ":"));
    EXPECT_FALSE(use(*from, layer, (expert + 1) % layer.experts)) << "others are right";
    overwrite(at, {});
    from.reset(); // Its last reads come to their end: reads serve one store at a time.
    auto after = store(*reads);
    EXPECT_FALSE(use(*after, layer, expert));
  }
}

TEST_P(BackEnds, F06_TruncatedWhileOpen) {
  auto from = store(*reads);
  const ExpertLayer &layer = from->layers()[0];
  EXPECT_FALSE(use(*from, layer, 0));
  std::filesystem::resize_file(model.path(), model.model().files()[0].headerBytes);
  std::optional<Error> error = use(*from, layer, layer.experts - 1);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "F06");
  EXPECT_EQ(error->code, ExitCode::Input);
  EXPECT_FALSE(use(*from, layer, 0)) << "what is in memory is still right";
  std::ofstream(model.path(), std::ios::binary | std::ios::in | std::ios::out) << content;
  EXPECT_FALSE(use(*from, layer, layer.experts - 1)) << "and the next answer after the file has been restored";
}

TEST_P(BackEnds, F07_OverwrittenWhileOpen) {
  auto from = store(*reads);
  const ExpertLayer &layer = from->layers()[0];
  EXPECT_FALSE(use(*from, layer, 0));
  std::ofstream(model.path(), std::ios::binary | std::ios::in | std::ios::out) << std::string(content.size(), 'z');
  std::optional<Error> error = use(*from, layer, 1);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "F05");
  EXPECT_FALSE(use(*from, layer, 0)) << "what is in memory is still right";
}

TEST_P(BackEnds, F08_DeletedReplacedOrForbiddenWhileOpen) {
  std::filesystem::permissions(model.path(), std::filesystem::perms::none);
  expectAllRight(*reads);
  std::filesystem::remove(model.path());
  expectAllRight(*reads);
  std::ofstream(model.path(), std::ios::binary) << "another model";
  expectAllRight(*reads);
  auto later = openReads(files, {.backend = GetParam(), .depth = 2});
  ASSERT_TRUE(later) << later.error().message;
  expectAllRight(**later);
}

/// A place of the file that no read brings, directly or through the cache. Reads of io_uring cannot be refused one by
/// one.
TEST_F(ReadsTest, F02_BadPlaceOfARealFile) {
  const ExpertLayer layer = catalogue(false).layers()[0];
  uint64_t at = (layer.matrices[0].offset + 2 * layer.matrices[0].slabBytes) / kReadAlignment * kReadAlignment;
  RefusedCall bad = {SYS_pread64, EIO, 3, static_cast<uint32_t>(at)};
  bool allowed = withRefused(bad, [&] {
    for (ReadBackend backend : {ReadBackend::PreadPool, ReadBackend::Buffered}) {
      auto opened = openReads(files, {.backend = backend, .depth = 2});
      ASSERT_TRUE(opened);
      auto from = store(**opened);
      std::optional<Error> error = use(*from, layer, 2);
      ASSERT_TRUE(error);
      EXPECT_EQ(error->id, "F02");
      EXPECT_EQ(error->code, ExitCode::Machine);
      EXPECT_THAT(error->message, HasSubstr("byte " + std::to_string(at) + ": tensor \"" + layer.matrices[0].tensor +
                                            "\", expert 2: "));
      EXPECT_THAT(error->message, HasSubstr("Input/output error), 4 times"));
      EXPECT_EQ(from->statistics().retries, 3u);
      EXPECT_EQ(from->statistics().quarantined, 1u);
    }
  });
  if (!allowed)
    GTEST_SKIP() << "this system does not let a process refuse itself calls";
}

TEST_F(ReadsTest, F11_WithoutDirectReads) {
  bool allowed = withRefused({SYS_openat, EINVAL, 2, O_DIRECT, true}, [&] {
    auto automatic = openReads(files, {});
    ASSERT_TRUE(automatic);
    EXPECT_EQ((*automatic)->description(),
              "threads with buffered reads, whose pages are given back, 16 at a time (direct reads "
              "are refused: Invalid argument)");
    expectAllRight(**automatic);
    for (ReadBackend named : {ReadBackend::Uring, ReadBackend::PreadPool}) {
      auto refused = openReads(files, {.backend = named});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().id, "F11");
      EXPECT_EQ(refused.error().code, ExitCode::Machine);
      EXPECT_THAT(refused.error().message,
                  HasSubstr("refuses direct reads (Invalid argument): choose --reads=buffered"));
    }
  });
  if (!allowed)
    GTEST_SKIP() << "this system does not let a process refuse itself calls";
}

TEST_F(ReadsTest, F12_WithoutIoUring) {
  for (int number : {EPERM, ENOSYS, ENOMEM}) {
    bool allowed = withRefused({SYS_io_uring_setup, number}, [&] {
      auto automatic = openReads(files, {.depth = 5});
      ASSERT_TRUE(automatic);
      EXPECT_EQ((*automatic)->description(),
                "threads with direct reads, 5 at a time (io_uring is refused: " + gguf::errorText(number) + ")");
      expectAllRight(**automatic);
      auto refused = openReads(files, {.backend = ReadBackend::Uring});
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().id, "F12");
      EXPECT_EQ(refused.error().code, ExitCode::Machine);
      EXPECT_THAT(refused.error().message, HasSubstr("refuses io_uring (" + gguf::errorText(number) + "): choose"));
    });
    if (!allowed)
      GTEST_SKIP() << "this system does not let a process refuse itself calls";
  }
}

/// A ring that can be made and not be used.
TEST_F(ReadsTest, F12_IoUringThatDoesNothing) {
  bool allowed = withRefused({SYS_io_uring_enter, EPERM}, [&] {
    auto automatic = openReads(files, {.depth = 2});
    ASSERT_TRUE(automatic);
    EXPECT_THAT((*automatic)->description(), HasSubstr("io_uring is refused: Operation not permitted"));
    expectAllRight(**automatic);
  });
  if (!allowed)
    GTEST_SKIP() << "this system does not let a process refuse itself calls";
}

TEST_F(ReadsTest, F20_WithoutThreads) {
  bool allowed = withRefused({SYS_clone3, EAGAIN}, [&] {
    for (ReadBackend backend : {ReadBackend::PreadPool, ReadBackend::Buffered}) {
      auto opened = openReads(files, {.backend = backend, .depth = 7});
      ASSERT_FALSE(opened);
      EXPECT_EQ(opened.error().id, "F20");
      EXPECT_EQ(opened.error().code, ExitCode::Machine);
      EXPECT_THAT(opened.error().message, ContainsRegex("does not start [0-9]+ threads for reading"));
    }
  });
  if (!allowed)
    GTEST_SKIP() << "this system does not let a process refuse itself calls";
}

/// Where nothing may be locked in memory, as in many containers: nothing here needs it.
TEST_F(ReadsTest, F15_WithoutLockedMemory) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &before), 0);
  rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
  auto reads = openReads(files, {});
  ASSERT_TRUE(reads);
  expectAllRight(**reads);
  EXPECT_EQ(setrlimit(RLIMIT_MEMLOCK, &before), 0);
}

/// Every allocation fails once: nothing is lost, and what comes after is right.
TEST_F(ReadsTest, F20_EveryAllocationFails) {
  for (ReadBackend backend : {ReadBackend::Automatic, ReadBackend::PreadPool, ReadBackend::Buffered}) {
    ExpertCatalogue places = catalogue(true);
    const ExpertLayer &layer = places.layers()[0];
    int64_t before = 0;
    for (bool failed = true; failed; ++before) {
      failed = false;
      std::unique_ptr<Reads> reads;
      std::unique_ptr<ExpertStore> from;
      text::failAllocationAfter(before);
      try {
        auto opened = openReads(files, {.backend = backend, .depth = 3});
        if (opened) {
          reads = *std::move(opened);
          from = store(*reads);
        }
      } catch (const std::bad_alloc &) {
        failed = true;
      }
      failed = failed || text::allocationsUntilFailure() < 0;
      text::failAllocationAfter(-1);
      ASSERT_TRUE(failed || from);
      if (from) {
        EXPECT_FALSE(use(*from, layer, 1));
      }
    }
    EXPECT_GT(before, 20);
  }
}

} // namespace
} // namespace strata::test
