// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Threads that each read with pread: directly into the caller's buffers, or through the page cache.

#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/WeightFile.h"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

namespace strata {

namespace {

/// A queue that never allocates.
template <typename T> class Ring {
public:
  explicit Ring(size_t capacity) : entries(capacity) {}
  bool empty() const { return count == 0; }
  void push(const T &entry) { entries[(first + count++) % entries.size()] = entry; }
  T pop() {
    T entry = entries[first];
    first = (first + 1) % entries.size();
    --count;
    return entry;
  }

private:
  std::vector<T> entries;
  size_t first = 0, count = 0;
};

class PreadReads : public Reads {
public:
  PreadReads(const WeightFiles &from, std::vector<gguf::Descriptor> directDescriptors, const ReadOptions &options,
             std::string text)
      : files(from), direct(std::move(directDescriptors)), most(options.capacity), why(std::move(text)),
        asked(options.capacity), done(options.capacity) {
    for (uint32_t i = 0; i < options.depth; ++i)
      threads.emplace_back([this] { work(); });
  }

  ~PreadReads() override {
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    somethingAsked.notify_all();
  }

  void submit(const ReadRequest &request) override {
    {
      std::lock_guard lock(mutex);
      asked.push(request);
    }
    somethingAsked.notify_one();
  }

  size_t wait(std::span<ReadCompletion> to, Duration timeout) override {
    std::unique_lock lock(mutex);
    somethingDone.wait_for(lock, timeout, [this] { return !done.empty(); });
    size_t count = 0;
    while (count < to.size() && !done.empty())
      to[count++] = done.pop();
    return count;
  }

  Duration now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  size_t capacity() const override { return most; }
  std::string description() const override { return why; }

private:
  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      somethingAsked.wait(lock, [this] { return ending || !asked.empty(); });
      if (ending)
        return;
      ReadRequest request = asked.pop();
      lock.unlock();
      ReadCompletion completion = read(request);
      lock.lock();
      done.push(completion);
      somethingDone.notify_one();
    }
  }

  ReadCompletion read(const ReadRequest &request) const {
    bool buffered = direct.empty() || request.throughCache;
    int descriptor = buffered ? files.descriptor(request.file) : direct[request.file].get();
    ssize_t got = pread(descriptor, request.to.data(), request.to.size(), static_cast<off_t>(request.offset));
    ReadCompletion completion = {request.tag, got < 0 ? -errno : got, 0, false};
    if (buffered)
      files.forget(request.file, request.offset, request.to.size());
    if (request.hashedBytes != 0 && got >= 0 &&
        static_cast<uint64_t>(got) >= request.hashedFrom + request.hashedBytes) {
      completion.hash = checksumOf(request.to.subspan(request.hashedFrom, request.hashedBytes));
      completion.hashed = true;
    }
    return completion;
  }

  const WeightFiles &files;
  std::vector<gguf::Descriptor> direct; ///< Empty: all reads are buffered.
  size_t most;
  std::string why;
  std::mutex mutex;
  std::condition_variable somethingAsked, somethingDone;
  Ring<ReadRequest> asked;
  Ring<ReadCompletion> done;
  bool ending = false;
  std::vector<std::jthread> threads; ///< Last: they end before what they use.
};

/// The same file again, for direct reads, also where its name is gone; the errno of a refusal.
int openDirect(int descriptor, std::vector<gguf::Descriptor> &opened) {
  int again = open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (again < 0)
    return errno;
  opened.emplace_back(again);
  // Some file systems take the flag and refuse the read.
  std::unique_ptr<void, decltype(&std::free)> page(std::aligned_alloc(kReadAlignment, kReadAlignment), &std::free);
  return page && pread(again, page.get(), kReadAlignment, 0) < 0 ? errno : 0;
}

} // namespace

Result<std::unique_ptr<Reads>> openReads(const WeightFiles &files, const ReadOptions &options) {
  std::vector<gguf::Descriptor> direct;
  int refused = 0;
  if (options.backend != ReadBackend::Buffered)
    for (uint32_t file = 0; file < files.count() && refused == 0; ++file)
      refused = openDirect(files.descriptor(file), direct);
  if (refused != 0 && options.backend == ReadBackend::PreadPool)
    return fail(ExitCode::Machine, "F11",
                fmt::format("the file system of {} refuses direct reads ({}): choose buffered reads, or put the model "
                            "on another disk",
                            files.place(0).text(), gguf::errorText(refused)));
  if (refused != 0)
    direct.clear();
  std::string text = fmt::format("{} threads with direct reads", options.depth);
  if (direct.empty())
    text = fmt::format("{} threads with buffered reads, whose pages are given back ({})", options.depth,
                       refused != 0 ? "direct reads are refused: " + gguf::errorText(refused) : "as asked for");
  return std::make_unique<PreadReads>(files, std::move(direct), options, std::move(text));
}

} // namespace strata
