// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Direct reads by io_uring: one thread keeps the ring full and computes checksums, so that the disk is busy whatever
// the thread that uses the reads does.

#include "runtime/Memory/Reads/BackEnds.h"
#include "runtime/Weights/WeightFile.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace strata {

namespace {

/// Entries of the ring that are no reads: the wake-up, and the cancellation at the end.
constexpr uint32_t kOtherEntries = 2;
constexpr uint64_t kWakeUp = ~uint64_t(0), kCancellation = kWakeUp - 1;

class Ring {
public:
  Ring() = default;
  Ring(const Ring &) = delete;
  Ring &operator=(const Ring &) = delete;
  ~Ring() {
    if (open)
      io_uring_queue_exit(&ring);
  }
  /// The errno of a refusal, or 0.
  int create(uint32_t entries) {
    int made = io_uring_queue_init(entries, &ring, 0);
    open = made == 0;
    return -made;
  }
  io_uring *get() { return &ring; }

private:
  io_uring ring = {};
  bool open = false;
};

class UringReads : public ThreadedReads {
public:
  UringReads(const WeightFiles &from, const ReadOptions &options)
      : ThreadedReads(from, options.capacity), depth(options.depth), inRing(options.depth), arrived(options.capacity) {
    for (uint32_t place = depth; place-- != 0;)
      free.push_back(place);
  }

  ~UringReads() override {
    if (!thread.joinable())
      return;
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    wakeUp();
  }

  /// The errno of a refusal, or 0. Takes `directDescriptors` if there is none.
  int start(std::vector<gguf::Descriptor> &directDescriptors) {
    if (int refused = ring.create(depth + kOtherEntries))
      return refused;
    if (int refused = tryRead(directDescriptors.front().get()))
      return refused;
    wake = gguf::Descriptor(eventfd(0, EFD_CLOEXEC));
    if (wake.get() < 0)
      return errno;
    try {
      thread = std::jthread([this] { work(); });
    } catch (const std::system_error &refused) {
      return refused.code().value();
    }
    direct = std::move(directDescriptors);
    return 0;
  }

  void submit(const ReadRequest &request) override {
    bool sleeping;
    {
      std::lock_guard lock(mutex);
      asked.push(request);
      sleeping = !std::exchange(isWoken, true);
    }
    if (sleeping)
      wakeUp();
  }

  std::string description() const override { return fmt::format("io_uring with direct reads, {} at a time", depth); }

private:
  struct Arrived {
    ReadRequest request;
    int64_t result = 0;
  };

  /// Some systems make a ring and refuse what is to be done with it.
  int tryRead(int descriptor) {
    std::unique_ptr<void, decltype(&std::free)> page(std::aligned_alloc(kReadAlignment, kReadAlignment), &std::free);
    if (!page)
      return ENOMEM;
    io_uring_prep_read(io_uring_get_sqe(ring.get()), descriptor, page.get(), kReadAlignment, 0);
    if (int submitted = io_uring_submit(ring.get()); submitted < 0)
      return -submitted;
    io_uring_cqe *completion = nullptr;
    int waited;
    do
      waited = io_uring_wait_cqe(ring.get(), &completion);
    while (waited == -EINTR);
    if (waited < 0) {
      page.release(); // The system may still write to it.
      return -waited;
    }
    int result = completion->res;
    io_uring_cqe_seen(ring.get(), completion);
    return result < 0 ? -result : 0;
  }

  void wakeUp() {
    uint64_t one = 1;
    while (write(wake.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
    }
  }

  void work() {
    waitForWakeUp();
    for (;;) {
      takeArrived();
      // The disk gets its next reads before this thread looks at one of what it brought.
      if (fill() && free.size() == depth)
        return;
      int submitted =
          arrived.empty() ? io_uring_submit_and_wait(ring.get(), 1) : io_uring_submit_and_get_events(ring.get());
      // The kernel is short of memory or was interrupted: what is in the ring is still to be done.
      if (submitted < 0 && submitted != -EINTR)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (!arrived.empty())
        finish(arrived.pop());
    }
  }

  /// Puts what is asked for into the ring, as much as it takes. True if nobody waits any more.
  bool fill() {
    std::lock_guard lock(mutex);
    if (ending && !std::exchange(isCancelled, true)) {
      asked.clear();
      io_uring_sqe *entry = io_uring_get_sqe(ring.get());
      io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
      io_uring_sqe_set_data64(entry, kCancellation);
    }
    while (!asked.empty() && !free.empty()) {
      uint32_t place = free.back();
      free.pop_back();
      inRing[place] = asked.pop();
      prepare(place);
    }
    return ending;
  }

  void prepare(uint32_t place) {
    const ReadRequest &request = inRing[place];
    // Longer ones than a number of 32 bits are answered in part, as any read may be.
    constexpr size_t kLongest = size_t(1) << 30;
    int descriptor = request.throughCache ? files.descriptor(request.file) : direct[request.file].get();
    io_uring_sqe *entry = io_uring_get_sqe(ring.get());
    io_uring_prep_read(entry, descriptor, request.to.data(),
                       static_cast<unsigned>(std::min(request.to.size(), kLongest)), request.offset);
    if (request.throughCache)
      entry->flags |= IOSQE_ASYNC; // Would hold this thread up.
    io_uring_sqe_set_data64(entry, place);
  }

  void waitForWakeUp() {
    io_uring_sqe *entry = io_uring_get_sqe(ring.get());
    io_uring_prep_read(entry, wake.get(), &wakeUps, sizeof(wakeUps), 0);
    io_uring_sqe_set_data64(entry, kWakeUp);
  }

  /// Of reads that have come to their end.
  void takeArrived() {
    io_uring_cqe *completion = nullptr;
    while (io_uring_peek_cqe(ring.get(), &completion) == 0) {
      uint64_t tag = io_uring_cqe_get_data64(completion);
      if (tag == kWakeUp) {
        std::lock_guard lock(mutex);
        isWoken = false;
        if (!ending)
          waitForWakeUp();
      } else if (tag != kCancellation) {
        arrived.push({inRing[tag], completion->res});
        free.push_back(static_cast<uint32_t>(tag));
      }
      io_uring_cqe_seen(ring.get(), completion);
    }
  }

  void finish(const Arrived &one) {
    if (one.request.throughCache)
      files.forget(one.request.file, one.request.offset, one.request.to.size());
    hand(completed(one.request, one.result));
  }

  std::vector<gguf::Descriptor> direct;
  uint32_t depth;
  bool isWoken = false;     ///< The thread will look at what is asked for. Under the mutex, like the next.
  bool isCancelled = false; ///< The ring has been told that nobody waits.
  gguf::Descriptor wake;
  // Of the thread alone.
  Ring ring;
  uint64_t wakeUps = 0;            ///< The kernel writes it.
  std::vector<ReadRequest> inRing; ///< By place, the number that an entry of the ring carries.
  std::vector<uint32_t> free;      ///< Places.
  FixedQueue<Arrived> arrived;     ///< Taken from the ring, not looked at yet.
  std::jthread thread;             ///< Last: it ends before what it uses.
};

} // namespace

std::unique_ptr<Reads> makeUringReads(const WeightFiles &files, std::vector<gguf::Descriptor> &direct,
                                      const ReadOptions &options, int &refusal) {
  auto reads = std::make_unique<UringReads>(files, options);
  refusal = reads->start(direct);
  if (refusal != 0)
    return nullptr;
  return reads;
}

} // namespace strata
