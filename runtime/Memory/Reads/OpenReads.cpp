// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which back end reads a model's files, and why; and what back ends share.

#include "runtime/Memory/Reads/BackEnds.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/WeightFile.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace strata {

/// The same file again, also where its name is gone; the errno of a refusal.
static int openAgain(int descriptor, std::vector<gguf::Descriptor> &opened) {
  int again = open(fmt::format("/proc/self/fd/{}", descriptor).c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
  if (again < 0)
    return errno;
  opened.emplace_back(again);
  // Some file systems take the flag and refuse the read.
  std::unique_ptr<void, decltype(&std::free)> page(std::aligned_alloc(kReadAlignment, kReadAlignment), &std::free);
  return page && pread(again, page.get(), kReadAlignment, 0) < 0 ? errno : 0;
}

DirectFiles openDirect(const WeightFiles &files) {
  DirectFiles direct;
  for (uint32_t file = 0; file < files.count() && direct.refusal == 0; ++file)
    direct.refusal = openAgain(files.descriptor(file), direct.descriptors);
  if (direct.refusal != 0)
    direct.descriptors.clear();
  return direct;
}

ReadCompletion completed(const ReadRequest &request, int64_t result) {
  ReadCompletion completion = {request.tag, result, 0, false};
  if (request.hashedBytes != 0 && result >= 0 &&
      static_cast<uint64_t>(result) >= request.hashedFrom + request.hashedBytes) {
    completion.hash = checksumOf(request.to.subspan(request.hashedFrom, request.hashedBytes));
    completion.hashed = true;
  }
  return completion;
}

size_t ThreadedReads::wait(std::span<ReadCompletion> to, Duration timeout) {
  std::unique_lock lock(mutex);
  somethingDone.wait_for(lock, timeout, [this] { return !done.empty(); });
  size_t count = 0;
  while (count < to.size() && !done.empty())
    to[count++] = done.pop();
  return count;
}

void ThreadedReads::hand(const ReadCompletion &completion) {
  std::lock_guard lock(mutex);
  done.push(completion);
  somethingDone.notify_one();
}

/// Threads, with what made them the choice.
static Result<std::unique_ptr<Reads>> openPool(const WeightFiles &files, DirectFiles direct, const ReadOptions &options,
                                               std::string_view why) {
  bool buffered = direct.descriptors.empty();
  return makePoolReads(files, std::move(direct.descriptors), options,
                       fmt::format("threads with {}, {} at a time ({})",
                                   buffered ? "buffered reads, whose pages are given back" : "direct reads",
                                   options.depth, why));
}

Result<std::unique_ptr<Reads>> openReads(const WeightFiles &files, const ReadOptions &options) {
  constexpr std::string_view kAskedFor = "as asked for";
  if (options.backend == ReadBackend::Buffered)
    return openPool(files, {}, options, kAskedFor);
  bool automatic = options.backend == ReadBackend::Automatic;
  DirectFiles direct = openDirect(files);
  if (direct.refusal != 0) {
    if (automatic)
      return openPool(files, {}, options, "direct reads are refused: " + gguf::errorText(direct.refusal));
    return fail(ExitCode::Machine, "F11",
                fmt::format("the file system of {} refuses direct reads ({}): choose --reads=buffered, or put the "
                            "model on another disk",
                            files.place(0).text(), gguf::errorText(direct.refusal)));
  }
  if (options.backend == ReadBackend::PreadPool)
    return openPool(files, std::move(direct), options, kAskedFor);
  int refusal = 0;
  if (std::unique_ptr<Reads> reads = makeUringReads(files, direct.descriptors, options, refusal))
    return reads;
  if (automatic)
    return openPool(files, std::move(direct), options, "io_uring is refused: " + gguf::errorText(refusal));
  return fail(ExitCode::Machine, "F12",
              fmt::format("the system refuses io_uring ({}): choose --reads=pool, or allow io_uring "
                          "(kernel.io_uring_disabled, a container's seccomp profile)",
                          gguf::errorText(refusal)));
}

} // namespace strata
