// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Threads that each read with pread: directly into the caller's buffers, or through the page cache. There are more of
// them than reads at one time, so that the disk has as many as it should while some compute checksums.

#include "runtime/Base/HostLimits.h"
#include "runtime/Memory/Reads/BackEnds.h"
#include "runtime/Weights/WeightFile.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace strata {

namespace {

class PoolReads : public ThreadedReads {
public:
  PoolReads(const WeightFiles &from, std::vector<gguf::Descriptor> directDescriptors, const ReadOptions &options,
            std::string text)
      : ThreadedReads(from, options.capacity), direct(std::move(directDescriptors)), why(std::move(text)),
        depth(options.depth) {}

  ~PoolReads() override {
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    mayRead.notify_all();
  }

  /// Throws std::system_error if the system has not that many.
  void startThreads(uint32_t count) {
    threads.reserve(count);
    for (uint32_t i = 0; i < count; ++i)
      threads.emplace_back([this] { work(); });
  }

  void submit(const ReadRequest &request) override {
    {
      std::lock_guard lock(mutex);
      asked.push(request);
    }
    mayRead.notify_one();
  }

  std::string description() const override { return why; }

private:
  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      mayRead.wait(lock, [this] { return ending || (!asked.empty() && reading < depth); });
      if (ending)
        return;
      ReadRequest request = asked.pop();
      ++reading;
      lock.unlock();
      int64_t result = read(request);
      lock.lock();
      --reading;
      mayRead.notify_one();
      lock.unlock();
      hand(completed(request, result));
      lock.lock();
    }
  }

  int64_t read(const ReadRequest &request) const {
    bool buffered = direct.empty() || request.throughCache;
    int descriptor = buffered ? files.descriptor(request.file) : direct[request.file].get();
    ssize_t got = pread(descriptor, request.to.data(), request.to.size(), static_cast<off_t>(request.offset));
    int64_t result = got < 0 ? -errno : got;
    if (buffered)
      files.forget(request.file, request.offset, request.to.size());
    return result;
  }

  std::vector<gguf::Descriptor> direct; ///< Empty: all reads are buffered.
  std::string why;
  uint32_t depth;
  uint32_t reading = 0; ///< Under the mutex: reads that the disk has.
  std::condition_variable mayRead;
  std::vector<std::jthread> threads; ///< Last: they end before what they use.
};

} // namespace

Result<std::unique_ptr<Reads>> makePoolReads(const WeightFiles &files, std::vector<gguf::Descriptor> direct,
                                             const ReadOptions &options, std::string description) {
  auto reads = std::make_unique<PoolReads>(files, std::move(direct), options, std::move(description));
  uint32_t threads = options.depth + std::min(options.depth, hostLimits().cores);
  try {
    reads->startThreads(threads);
  } catch (const std::system_error &refused) {
    return fail(ExitCode::Machine, "F20",
                fmt::format("the system does not start {} threads for reading ({}): lower --read-depth", threads,
                            gguf::errorText(refused.code().value())));
  }
  return reads;
}

} // namespace strata
