// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Between entry and exit of a step nothing is allocated on any thread: the C library's allocator and mmap are counted.
// Before it every allocation may fail.

#include "tests/runtime/Exec/StreamingModel.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static std::atomic<uint64_t> allocations = 0;
/// Of this thread: how many succeed before one fails; none fails if it is negative.
static thread_local int64_t untilFailure = -1;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// These have an allocator of their own, which cannot be replaced.
static constexpr bool kCounts = false;
#else
static constexpr bool kCounts = true;

extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static bool isRefused() {
  ++allocations;
  return untilFailure >= 0 && untilFailure-- == 0;
}

// operator new comes here too.
void *malloc(size_t bytes) {
  if (isRefused())
    return nullptr;
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  if (isRefused())
    return nullptr;
  return __libc_calloc(count, bytes);
}
void *realloc(void *memory, size_t bytes) {
  if (isRefused())
    return nullptr;
  return __libc_realloc(memory, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  if (isRefused())
    return nullptr;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  if (isRefused())
    return ENOMEM;
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  if (isRefused()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void *>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}
}
#endif

namespace strata::test {
namespace {

/// With all weights in memory, and with experts from a disk.
class Allocation : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    if (!kCounts)
      GTEST_SKIP() << "the sanitizer's allocator cannot be counted";
    uint64_t before = allocations;
    void *volatile counted = std::malloc(1);
    std::free(counted);
    ASSERT_GT(allocations, before) << "allocations are not counted";
    SessionOptions options;
    options.threads = 3;
    session = GetParam() ? openStreaming({1, 0, 3, 2}, options) : openSession(options);
  }
  std::unique_ptr<Session> session;
};

/// From the first step on: nothing is made lazily. Two sequences cross block boundaries.
TEST_P(Allocation, DecodeAllocatesNothing) {
  std::vector<DecodeRow> rows = {{expectValue(session->openSequence()), 1}, {expectValue(session->openSequence()), 2}};
  for (int step = 0; step < 150; ++step) {
    uint64_t before = allocations;
    Result<void> result = session->decode(rows);
    uint64_t after = allocations;
    ASSERT_TRUE(result);
    ASSERT_EQ(after, before) << "step " << step;
  }
}

/// All units of three passes, a decode step of another sequence between each two, logits of every row.
TEST_P(Allocation, PromptAllocatesNothing) {
  SequenceId prompting = expectValue(session->openSequence());
  DecodeRow row = {expectValue(session->openSequence()), 1};
  std::vector<int32_t> tokens = randomTokens(150, 1);
  uint64_t rows = 0;
  PromptStep prompt = expectValue(
      session->startPrompt(prompting, tokens, WantedRows::all, [&rows](uint32_t, std::span<const float>) { ++rows; }));
  for (bool done = false; !done;) {
    bool room = session->positions(row.sequence) < kContext;
    uint64_t before = allocations;
    Result<bool> result = prompt.advance();
    Result<void> decoded;
    if (room)
      decoded = session->decode({&row, 1});
    uint64_t after = allocations;
    ASSERT_TRUE(result);
    ASSERT_TRUE(decoded);
    ASSERT_EQ(after, before) << "unit " << prompt.unitsDone();
    done = *result;
  }
  EXPECT_EQ(rows, tokens.size());
}

/// Whichever allocation of opening a session fails, it ends cleanly: with an exception that tools make exit code 3 of,
/// with a coded error, or with a session that does without and whose numbers are right.
TEST_P(Allocation, F20_EveryAllocationFails) {
  schema::ArtifactT artifact = GetParam() ? streamingArtifact({1, 0, 3, 2}) : testModel().artifact();
  std::vector<std::byte> file = artifactFile(artifact);
  SessionOptions options;
  options.threads = 2;
  Row right = decodeOne(*session, expectValue(session->openSequence()), 3);
  uint64_t exceptions = 0, errors = 0, sessions = 0;
  for (int64_t before = 0;; ++before) {
    Result<std::unique_ptr<Session>> made;
    LoadedArtifact loaded = expectValue(LoadedArtifact::load(file, "test.strata"));
    LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
    untilFailure = before;
    try {
      made = Session::create(std::move(loaded), model, options);
      sessions += made ? 1 : 0;
    } catch (const std::bad_alloc &) {
      ++exceptions;
      made = nullptr;
    }
    bool isEnd = untilFailure >= 0;
    untilFailure = -1;
    if (!made) {
      ++errors;
      ASSERT_EQ(made.error().code, ExitCode::Machine) << before << ": " << made.error().message;
    } else if (*made) {
      ASSERT_EQ(decodeOne(**made, expectValue((*made)->openSequence()), 3), right) << before;
    }
    if (isEnd)
      break;
  }
  EXPECT_GT(exceptions, 100u);
  EXPECT_GE(sessions, 1u);
  EXPECT_GE(errors, 1u) << "memory that is taken by pages";
}

INSTANTIATE_TEST_SUITE_P(Experts, Allocation, testing::Bool(),
                         [](const auto &tested) { return tested.param ? "OnDisk" : "InMemory"; });

} // namespace
} // namespace strata::test
