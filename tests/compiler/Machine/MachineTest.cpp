// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace strata {
namespace {
using testing::HasSubstr;

TEST(Machine, HostHasItsCoresAndMemory) {
  auto machine = loadMachine("host");
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->name, "host");
  EXPECT_GE(machine->cores, 1u);
  EXPECT_GT(machine->ramBytes, 0u);
  EXPECT_THAT(machine->json, HasSubstr("\"name\":\"host\""));
}

TEST(Machine, FileGivesCoresAndMemory) {
  auto machine = parseMachine(R"({"name": "box", "cores": 13, "ram": "40GiB"})", "box.json");
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->name, "box");
  EXPECT_EQ(machine->cores, 13u);
  EXPECT_EQ(machine->ramBytes, uint64_t(40) << 30);
  auto again = parseMachine(machine->json, "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->ramBytes, machine->ramBytes);
}

TEST(Machine, FileWithoutANameHasItsOwn) {
  auto machine = parseMachine(R"({"cores": 2, "ram": "8GB"})", "small.json");
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_EQ(machine->name, "small.json");
  EXPECT_EQ(machine->ramBytes, 8000000000u);
}

TEST(Machine, MachinesWithAGpuAreRefusedWhereOnlyTheHostIsPlannedFor) {
  for (const char *preset : {"v100s-32g", "ovh-ai1-1-gpu", "ovh-t2-45"}) {
    auto machine = loadMachine(preset);
    ASSERT_TRUE(machine) << machine.error().message;
    auto refusal = requireHostOnly(*machine);
    ASSERT_FALSE(refusal);
    EXPECT_EQ(refusal.error().code, ExitCode::Machine);
    EXPECT_THAT(refusal.error().message, HasSubstr(preset));
    EXPECT_THAT(refusal.error().message, HasSubstr("this version compiles for the host only; use --machine=host"));
  }
  EXPECT_TRUE(requireHostOnly(*loadMachine("host")));
}

TEST(Machine, PresetsHaveTheFactsFigures) {
  auto ai1 = loadMachine("ovh-ai1-1-gpu");
  ASSERT_TRUE(ai1);
  EXPECT_EQ(ai1->cores, 13u);
  EXPECT_EQ(ai1->ramBytes, uint64_t(40) << 30);
  ASSERT_TRUE(ai1->gpu);
  EXPECT_EQ(ai1->gpu->arch, "sm_70");
  EXPECT_EQ(ai1->gpu->memoryBytes, 34058272768u);
  EXPECT_EQ(ai1->gpu->pcie.value, 12e9);
  EXPECT_FALSE(ai1->gpu->pcie.measured);
  EXPECT_EQ(ai1->gpu->bandwidth.value, 1040e9);
  ASSERT_TRUE(ai1->disk);
  EXPECT_EQ(ai1->disk->capacityBytes, uint64_t(750) << 30);
  EXPECT_EQ(diskBandwidth(*ai1->disk, 8257536).value, 2e9);
  EXPECT_FALSE(diskBandwidth(*ai1->disk, 8257536).measured);

  auto v100s = loadMachine("v100s-32g");
  ASSERT_TRUE(v100s);
  EXPECT_EQ(v100s->gpu->memoryBytes, 34058272768u);
  EXPECT_EQ(v100s->ramBytes, uint64_t(40) << 30);
  EXPECT_EQ(v100s->disk->capacityBytes, uint64_t(750) << 30);

  auto t2 = loadMachine("ovh-t2-45");
  ASSERT_TRUE(t2);
  EXPECT_EQ(t2->cores, 15u);
  EXPECT_EQ(t2->ramBytes, 45000000000u);
  EXPECT_EQ(t2->disk->capacityBytes, 400000000000u);

  auto host = loadMachine("host");
  ASSERT_TRUE(host);
  EXPECT_FALSE(host->gpu);
  EXPECT_TRUE(host->disk) << "experts may stay on the disk";
  EXPECT_TRUE(host->ramMeasured);
}

TEST(Machine, EveryPresetIsAMachineFile) {
  for (const char *preset : {"host", "v100s-32g", "ovh-ai1-1-gpu", "ovh-t2-45"}) {
    auto machine = loadMachine(preset);
    ASSERT_TRUE(machine);
    auto again = parseMachine(machine->json, "again");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->json, machine->json);
    EXPECT_EQ(again->name, preset);
  }
}

constexpr const char *kFull = R"({
  "name": "box", "cores": 8, "ram": {"measured": "64GiB"}, "memory_bandwidth": {"measured": "41.5GB/s"},
  "gpu": {"arch": "sm_70", "memory": {"measured": "32GiB"}, "reserved": {"assumed": "300MiB"},
          "bandwidth": {"measured": "790GB/s"}, "pcie": {"assumed": "12GB/s"}, "product_rate": {"assumed": "35.5TOPS"}},
  "system": {"io_uring": "allowed"},
  "disk": {"capacity": "1TB", "latency": {"measured": "80us"},
           "reads": [{"block": "8MiB", "depth": 4, "bandwidth": {"measured": "3.1GB/s"}},
                     {"block": "128KiB", "depth": 32, "bandwidth": {"measured": "2GB/s"}},
                     {"block": "8MiB", "depth": 16, "bandwidth": {"measured": "3.25GB/s"}},
                     {"block": "32MiB", "depth": 1, "bandwidth": {"assumed": "2.5GB/s"}}]}})";

TEST(Machine, FileDescribesGpuAndDisk) {
  auto machine = parseMachine(kFull, "box.json");
  ASSERT_TRUE(machine) << machine.error().message;
  EXPECT_TRUE(machine->ramMeasured);
  EXPECT_EQ(machine->host.memoryBandwidth.value, 41.5e9);
  EXPECT_TRUE(machine->host.memoryBandwidth.measured);
  EXPECT_EQ(machine->host.productRate.value, 0.3e12 * 8) << "assumed from the cores";
  EXPECT_FALSE(machine->host.productRate.measured);
  EXPECT_EQ(machine->gpu->reservedBytes, uint64_t(300) << 20);
  EXPECT_TRUE(machine->gpu->memoryMeasured);
  EXPECT_EQ(machine->gpu->productRate.value, 35.5e12);
  EXPECT_EQ(machine->gpu->attentionRate.value, 30e12) << "assumed";
  EXPECT_EQ(machine->disk->capacityBytes, 1000000000000u);
  EXPECT_DOUBLE_EQ(machine->disk->latency.value, 80e-6);
  EXPECT_TRUE(machine->disk->latency.measured);
  EXPECT_EQ(machine->system.at("io_uring"), "allowed");
}

TEST(Machine, DiskBandwidthIsThatOfTheNearestBlock) {
  DiskDescription disk = *parseMachine(kFull, "box.json")->disk;
  EXPECT_EQ(diskBandwidth(disk, 8 << 20).value, 3.25e9);
  EXPECT_EQ(diskBandwidth(disk, 8257536).value, 3.25e9) << "a matrix of an expert of V3.1 is nearly 8 MiB";
  EXPECT_EQ(diskBandwidth(disk, 512 << 10).value, 2e9) << "four times 128 KiB, a sixteenth of 8 MiB";
  EXPECT_EQ(diskBandwidth(disk, 100 << 20).value, 2.5e9);
  EXPECT_EQ(diskBandwidth(disk, 4096).value, 2e9) << "smaller than all: the smallest";
}

TEST(Machine, TheDepthIsTheDeepestThatIsNotMuchSlower) {
  DiskDescription disk = *parseMachine(kFull, "box.json")->disk;
  EXPECT_EQ(bestRead(disk, 8 << 20).depth, 16u);
  disk.reads[2].bandwidth.value = 2.8e9;
  EXPECT_EQ(bestRead(disk, 8 << 20).depth, 16u) << "within a tenth of the best";
  EXPECT_EQ(bestRead(disk, 8 << 20).bandwidth.value, 2.8e9) << "and that is what it will be";
  disk.reads[2].bandwidth.value = 2.7e9;
  EXPECT_EQ(bestRead(disk, 8 << 20).depth, 4u);
  EXPECT_EQ(bestRead({}, 8 << 20).bandwidth.value, 0);
}

TEST(Machine, UnknownPresetIsTheCommandLinesFault) {
  auto machine = loadMachine("h999");
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().code, ExitCode::CommandLine);
  EXPECT_THAT(machine.error().message, HasSubstr("neither a preset nor a file"));
}

/// A file with one byte changed, left out or doubled is read or refused, and nothing else.
TEST(Machine, SpoiledFilesAreReadOrRefused) {
  std::mt19937_64 random(5);
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = kFull;
    size_t at = random() % text.size();
    switch (random() % 3) {
    case 0:
      text[at] = static_cast<char>(random());
      break;
    case 1:
      text.erase(at, random() % 8 + 1);
      break;
    default:
      text.insert(at, text.substr(random() % text.size(), random() % 40));
    }
    auto machine = parseMachine(text, "spoiled.json");
    if (machine) {
      auto again = parseMachine(machine->json, "again");
      ASSERT_TRUE(again) << machine->json << again.error().message;
      EXPECT_GT(machine->host.memoryBandwidth.value, 0);
      EXPECT_GT(machine->cores, 0u);
      continue;
    }
    ++refused;
    EXPECT_EQ(machine.error().code, ExitCode::Input);
    EXPECT_THAT(machine.error().message, HasSubstr("spoiled.json"));
    EXPECT_EQ(machine.error().message.find('\n'), std::string::npos);
  }
  EXPECT_GT(refused, 5000);
}

struct BadFile {
  const char *text;
  ExitCode code;
  const char *message;
};

TEST(Machine, BadFilesAreRefused) {
  const BadFile files[] = {
      {"", ExitCode::Input, "no JSON object"},
      {"{\"cores\": 2", ExitCode::Input, "no JSON object"},
      {"[1]", ExitCode::Input, "no JSON object"},
      {R"({"ram": "8GiB"})", ExitCode::Input, "\"cores\" is missing"},
      {R"({"cores": 2})", ExitCode::Input, "\"ram\" is missing"},
      {R"({"cores": 0, "ram": "8GiB"})", ExitCode::Input, "\"cores\" is no whole number"},
      {R"({"cores": 18446744073709551615, "ram": "8GiB"})", ExitCode::Input, "\"cores\" is no whole number"},
      {R"({"cores": 2.5, "ram": "8GiB"})", ExitCode::Input, "\"cores\" is no whole number"},
      {R"({"cores": 2, "ram": 8})", ExitCode::Input, "write it as 8GiB or 8GB"},
      {R"({"cores": 2, "ram": "8"})", ExitCode::Input, "write it as 8GiB or 8GB"},
      {R"({"cores": 2, "ram": "-8GiB"})", ExitCode::Input, "write it as 8GiB"},
      {R"({"cores": 2, "ram": "99999999TiB"})", ExitCode::Input, "too large"},
      {R"({"name": 5, "cores": 2, "ram": "8GiB"})", ExitCode::Input, "\"name\" is no string"},
      {R"({"cores": 2, "ram": "8GiB", "colour": 1})", ExitCode::Input, "unknown key \"colour\""},
      {R"({"cores": 2, "ram": "8GiB", "system": []})", ExitCode::Input, "\"system\" is no object"},
      {R"({"cores": 2, "ram": "8GiB", "system": {"colour": "x"}})", ExitCode::Input, "unknown key \"system.colour\""},
      {R"({"cores": 2, "ram": "8GiB", "system": {"gpu": 1}})", ExitCode::Input, "\"system.gpu\" is no text"},
      {R"({"cores": 2, "cores": 3, "ram": "8GiB"})", ExitCode::Input, "\"cores\" is there twice"},
      {R"({"cores": 2, "ram": "0B"})", ExitCode::Input, "\"ram\" is zero"},
      {R"({"cores": -2, "ram": "8GiB"})", ExitCode::Input, "\"cores\" is no whole number"},
      {R"({"cores": 2, "ram": {"measured": "8GiB", "assumed": "8GiB"}})", ExitCode::Input,
       "one of measured and assumed"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": "8GB/s"})", ExitCode::Input, "one of measured and assumed"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"guessed": "8GB/s"}})", ExitCode::Input,
       "measured and assumed"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": 8}})", ExitCode::Input, "is no text with a unit"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "8"}})", ExitCode::Input, "has no unit"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "8TOPS"}})", ExitCode::Input, "unknown unit"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "-8GB/s"}})", ExitCode::Input,
       "no positive number"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "0GB/s"}})", ExitCode::Input, "is zero"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "nanGB/s"}})", ExitCode::Input,
       "no positive number"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "1e400GB/s"}})", ExitCode::Input, "out of range"},
      {R"({"cores": 2, "ram": "8GiB", "memory_bandwidth": {"assumed": "1e30GB/s"}})", ExitCode::Input, "is too large"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": 1})", ExitCode::Input, "\"gpu\" is no object"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": {}})", ExitCode::Input, "\"gpu.arch\" is missing"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": {"arch": "volta"}})", ExitCode::Input, "no architecture"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": {"arch": "sm_70", "memory": "8GiB", "bandwidth": {"assumed": "1GB/s"},
          "pcie": {"assumed": "2GB/s"}}})",
       ExitCode::Input, "\"gpu.pcie\" is faster than"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": {"arch": "sm_70", "memory": "300MiB", "bandwidth": {"assumed": "9GB/s"},
          "pcie": {"assumed": "2GB/s"}}})",
       ExitCode::Input, "\"gpu.reserved\" is not less"},
      {R"({"cores": 2, "ram": "8GiB", "gpu": {"colour": 1}})", ExitCode::Input, "unknown key \"gpu.colour\""},
      {R"({"cores": 2, "ram": "8GiB", "disk": {}})", ExitCode::Input, "\"disk.reads\" is missing"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"reads": []}})", ExitCode::Input, "no list of 1 to"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"reads": [{"block": "1MiB", "depth": 1}]}})", ExitCode::Input,
       "\"disk.reads[0].bandwidth\" is missing"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"reads": [{"block": "1MiB", "depth": 0}]}})", ExitCode::Input,
       "\"disk.reads[0].depth\" is no whole number"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"reads": [
          {"block": "1MiB", "depth": 1, "bandwidth": {"assumed": "1GB/s"}},
          {"block": "1MiB", "depth": 1, "bandwidth": {"measured": "2GB/s"}}]}})",
       ExitCode::Input, "with depth 1 twice"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"reads": [
          {"block": "1MiB", "depth": 1, "bandwidth": {"assumed": "900GB/s"}}]}})",
       ExitCode::Input, "is above \"memory_bandwidth\""},
      {R"({"cores": 2, "ram": "8GiB", "disk": {"capacity": "0B", "reads": []}})", ExitCode::Input, "is zero"},
  };
  for (const BadFile &file : files) {
    auto machine = parseMachine(file.text, "bad.json");
    ASSERT_FALSE(machine) << file.text;
    EXPECT_EQ(machine.error().code, file.code) << file.text;
    EXPECT_THAT(machine.error().message, HasSubstr(file.message)) << file.text;
    EXPECT_THAT(machine.error().message, HasSubstr("bad.json")) << file.text;
  }
}

} // namespace
} // namespace strata
