// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the time of a prompt goes, by operation and by the encoding and shape of its weight:
//   HostPromptBench MODEL.strata [TOKENS [THREADS [ROUNDS [ISA]]]]
#include "runtime/Artifact/LocateModel.h"
#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Exec/Session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <random>
#include <stdexcept>

namespace strata::test {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Of all threads of this process: what else runs on the machine counts little.
double coreSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename T> T valueOf(Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().message);
  return *std::move(result);
}

struct Cost {
  uint64_t calls = 0;
  double seconds = 0;
  double coreSeconds = 0;
};
using Costs = std::map<std::string, Cost>;

std::string nameOf(const KernelCall &call) {
  std::string name = fmt::format("{}", schema::EnumNameOperation(call.operation));
  for (const BoundOperand &read : call.reads)
    if (read.kind == schema::OperandKind::weight && read.dimensions[2] > 1 && read.dimensions[1] > 1)
      return fmt::format("{} {} {}x{}x{}", name, encodingInfo(read.encoding).name, read.dimensions[0],
                         read.dimensions[1], read.dimensions[2]);
  return name;
}

/// The host device with a clock around every launch.
class TimedDevice : public Device {
public:
  TimedDevice(std::unique_ptr<Device> wrapped, Costs &where) : device(std::move(wrapped)), costs(where) {}

  schema::DeviceKind kind() const override { return device->kind(); }
  Result<std::byte *> allocate(uint64_t bytes) override { return device->allocate(bytes); }
  Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) override {
    return device->copyToDevice(to, from);
  }
  Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) override {
    return device->copyFromDevice(to, from);
  }
  Result<void> launch(const KernelCall &call) override {
    auto begin = Clock::now();
    double coreBegin = coreSeconds();
    Result<void> result = device->launch(call);
    Cost &cost = costs[nameOf(call)];
    cost.seconds += secondsSince(begin);
    cost.coreSeconds += coreSeconds() - coreBegin;
    ++cost.calls;
    return result;
  }
  Result<void> synchronise() override { return device->synchronise(); }

private:
  std::unique_ptr<Device> device;
  Costs &costs;
};

struct Request {
  std::string artifact;
  uint32_t tokens = 128, threads = 2;
  int rounds = 3;
  Isa isa = bestIsa();
};

std::unique_ptr<Session> open(const Request &request, Costs &costs) {
  LoadedArtifact artifact = valueOf(LoadedArtifact::load(request.artifact));
  LocatedModel model = valueOf(locateModel(artifact, std::nullopt));
  std::unique_ptr<Device> device = valueOf(HostDevice::create(
      {.threads = request.threads, .workerScratchBytes = artifact.root().worker_scratch_bytes(), .isa = request.isa}));
  SessionOptions options;
  options.threads = request.threads;
  return valueOf(
      Session::create(std::move(artifact), model, std::make_unique<TimedDevice>(std::move(device), costs), options));
}

/// Seconds that a prompt of random tokens takes.
double runPrompt(Session &session, uint32_t count, int seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::vector<int32_t> tokens(count);
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random() % session.vocabulary());
  SequenceId sequence = valueOf(session.openSequence());
  auto begin = Clock::now();
  PromptStep prompt =
      valueOf(session.startPrompt(sequence, tokens, WantedRows::last, [](uint32_t, std::span<const float>) {}));
  while (!valueOf(prompt.advance()))
    ;
  double seconds = secondsSince(begin);
  session.closeSequence(sequence);
  return seconds;
}

void run(const Request &request) {
  Costs costs;
  std::unique_ptr<Session> session = open(request, costs);
  runPrompt(*session, request.tokens, 0); // Brings everything into memory.
  costs.clear();
  std::vector<double> seconds;
  for (int round = 1; round <= request.rounds; ++round)
    seconds.push_back(runPrompt(*session, request.tokens, round));
  std::vector<std::pair<std::string, Cost>> sorted(costs.begin(), costs.end());
  std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second.coreSeconds > b.second.coreSeconds; });
  double total = 0;
  for (const auto &[name, cost] : sorted)
    total += cost.coreSeconds;
  fmt::print("  part      wall      core  calls  operation\n");
  for (const auto &[name, cost] : sorted)
    fmt::print("{:4.1f} % {:6.0f} ms {:6.0f} ms {:6}  {}\n", 100 * cost.coreSeconds / total,
               1e3 * cost.seconds / request.rounds, 1e3 * cost.coreSeconds / request.rounds,
               cost.calls / static_cast<uint64_t>(request.rounds), name);
  std::sort(seconds.begin(), seconds.end());
  fmt::print("{} tokens, {} threads, {}: median {:.1f} tokens/s (best {:.1f}), {:.1f} a second of a core\n",
             request.tokens, request.threads, isaName(request.isa), request.tokens / seconds[seconds.size() / 2],
             request.tokens / seconds[0], request.tokens * request.rounds / total);
}

} // namespace
} // namespace strata::test

int main(int argc, char **argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: HostPromptBench MODEL.strata [TOKENS [THREADS [ROUNDS [ISA]]]]\n");
    return 2;
  }
  strata::test::Request request{.artifact = argv[1]};
  auto number = [&](int at, int otherwise) { return argc > at ? std::max(1, std::atoi(argv[at])) : otherwise; };
  request.tokens = static_cast<uint32_t>(number(2, 128));
  request.threads = static_cast<uint32_t>(number(3, 2));
  request.rounds = number(4, 3);
  if (argc > 5)
    for (strata::Isa isa : {strata::Isa::portable, strata::Isa::avx2, strata::Isa::avx512})
      if (strata::isaName(isa) == argv[5])
        request.isa = isa;
  strata::test::run(request);
}
