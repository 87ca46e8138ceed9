// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Machine, PresetsWithAGpuAreRefused) {
  for (const char *preset : {"v100s-32g", "ovh-ai1-1-gpu"}) {
    auto machine = loadMachine(preset);
    ASSERT_FALSE(machine);
    EXPECT_EQ(machine.error().code, ExitCode::Machine);
    EXPECT_THAT(machine.error().message, HasSubstr(preset));
    EXPECT_THAT(machine.error().message, HasSubstr("this version plans for the host only; use --machine=host"));
  }
}

TEST(Machine, UnknownPresetIsTheCommandLinesFault) {
  auto machine = loadMachine("h999");
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().code, ExitCode::CommandLine);
  EXPECT_THAT(machine.error().message, HasSubstr("neither a preset nor a file"));
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
      {R"({"cores": 2, "ram": "8GiB", "gpu": {}})", ExitCode::Machine, "this version plans for the host only"},
      {R"({"cores": 2, "ram": "8GiB", "disk": {}})", ExitCode::Machine, "this version plans for the host only"},
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
