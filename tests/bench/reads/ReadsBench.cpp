// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What checksums cost reads: slabs at random places of a model's files, with and without, in turn:
//   ReadsBench MODEL.gguf [ROUNDS [SECONDS [DEPTH [SLAB BYTES]]]]
#include "runtime/Base/PageMemory.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/WeightFile.h"
#include "tools/bench/host/Clock.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <random>
#include <stdexcept>
#include <vector>

namespace strata::test {
namespace {

struct Settings {
  int rounds = 9;
  double seconds = 2;
  uint32_t depth = 16;
  uint64_t slabBytes = 8'257'536; ///< Of DeepSeek V3.1's experts in Q4_0.
};

double coreSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Measured {
  double bytesPerSecond = 0, bytesPerCoreSecond = 0;
};

/// One back end, which always has twice as many reads as the disk gets at one time, as in a prompt.
class SlabReader {
public:
  SlabReader(const WeightFiles &from, Reads &back, const Settings &with)
      : files(from), reads(back), settings(with), buffers(2 * with.depth), memory(buffers * with.slabBytes),
        arrived(buffers) {
    if (!memory.data())
      throw std::runtime_error("there is no memory for the buffers");
    std::fill_n(memory.data(), buffers * settings.slabBytes, std::byte(1)); // So that they are there.
  }

  Measured measure(bool hashed) {
    uint64_t bytes = 0;
    double cores = coreSeconds();
    Reads::Duration begin = reads.now(), end = begin + std::chrono::nanoseconds(uint64_t(settings.seconds * 1e9));
    for (uint32_t buffer = 0; buffer < buffers; ++buffer)
      submit(buffer, hashed);
    for (uint32_t underway = buffers; underway != 0;) {
      size_t count = reads.wait(arrived, std::chrono::seconds(10));
      for (size_t i = 0; i < count; ++i) {
        if (arrived[i].result < 0 || (hashed && !arrived[i].hashed))
          throw std::runtime_error("a read failed, or has no checksum");
        bytes += static_cast<uint64_t>(arrived[i].result);
        --underway;
        if (reads.now() < end) {
          submit(static_cast<uint32_t>(arrived[i].tag), hashed);
          ++underway;
        }
      }
    }
    double seconds = std::chrono::duration<double>(reads.now() - begin).count();
    return {static_cast<double>(bytes) / seconds, static_cast<double>(bytes) / (coreSeconds() - cores)};
  }

private:
  void submit(uint32_t buffer, bool hashed) {
    ReadRequest request;
    request.tag = buffer;
    request.offset = random() % ((files.bytes(0) - settings.slabBytes) / kReadAlignment) * kReadAlignment;
    request.to = {memory.data() + buffer * settings.slabBytes, settings.slabBytes};
    request.hashedBytes = hashed ? settings.slabBytes : 0;
    reads.submit(request);
  }

  const WeightFiles &files;
  Reads &reads;
  Settings settings;
  uint32_t buffers;
  PageMemory memory;
  std::vector<ReadCompletion> arrived;
  std::mt19937_64 random{1};
};

void measureBackEnd(const WeightFiles &files, ReadBackend backend, const Settings &settings) {
  auto reads = openReads(files, {backend, settings.depth, 2 * size_t{settings.depth}});
  if (!reads) {
    fmt::print("{}\n", reads.error().message);
    return;
  }
  SlabReader reader(files, **reads, settings);
  reader.measure(true);
  std::vector<double> plain, hashed, costs, corePlain, coreHashed;
  for (int round = 0; round < settings.rounds; ++round) {
    Measured each[2];
    for (bool second : {false, true}) {
      bool withHash = second != (round % 2 == 1);
      each[withHash] = reader.measure(withHash);
    }
    plain.push_back(each[0].bytesPerSecond / 1e9);
    hashed.push_back(each[1].bytesPerSecond / 1e9);
    costs.push_back(100 * (1 - each[1].bytesPerSecond / each[0].bytesPerSecond));
    corePlain.push_back(each[0].bytesPerCoreSecond / 1e9);
    coreHashed.push_back(each[1].bytesPerCoreSecond / 1e9);
  }
  fmt::print(
      "{}: {:.2f} GB/s, with checksums {:.2f} GB/s, {:.1f} % less (rounds {:.1f} to {:.1f}); of a core {:.1f} and "
      "{:.1f} GB/s\n",
      (*reads)->description(), bench::median(plain), bench::median(hashed), bench::median(costs),
      *std::min_element(costs.begin(), costs.end()), *std::max_element(costs.begin(), costs.end()),
      bench::median(corePlain), bench::median(coreHashed));
}

void run(const std::string &path, const Settings &settings) {
  auto model = gguf::Model::open(path, {});
  if (!model)
    throw std::runtime_error(model.error().message);
  auto files = WeightFiles::open(model->files());
  if (!files)
    throw std::runtime_error(files.error().message);
  if (files->bytes(0) <= settings.slabBytes)
    throw std::runtime_error("the file is smaller than a slab");
  for (ReadBackend backend : {ReadBackend::Uring, ReadBackend::PreadPool})
    measureBackEnd(*files, backend, settings);
}

} // namespace
} // namespace strata::test

int main(int argc, char **argv) {
  auto number = [&](int index, double without) { return argc > index ? std::atof(argv[index]) : without; };
  strata::test::Settings settings;
  settings.rounds = std::max(1, static_cast<int>(number(2, settings.rounds)));
  settings.seconds = number(3, settings.seconds);
  settings.depth = std::max(1u, static_cast<uint32_t>(number(4, settings.depth)));
  uint64_t pages = static_cast<uint64_t>(number(5, static_cast<double>(settings.slabBytes))) / strata::kReadAlignment;
  settings.slabBytes = std::max<uint64_t>(1, pages) * strata::kReadAlignment;
  try {
    if (argc < 2)
      throw std::runtime_error("give a GGUF file");
    strata::test::run(argv[1], settings);
  } catch (const std::exception &error) {
    fmt::print(stderr, "ReadsBench: {}\n", error.what());
    return 1;
  }
  return 0;
}
