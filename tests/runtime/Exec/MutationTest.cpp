// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The contract of loading: whatever an artifact says, it is refused, or running it touches no memory but its own. One
// number is changed at a time, and one byte of the flatbuffer, and what is not refused is run.

#include "tests/runtime/Exec/ArtifactFields.h"
#include "tests/runtime/Exec/CheckingDevice.h"
#include "tests/runtime/Exec/ExecTest.h"

namespace strata::test {
namespace {

/// Two passes with decode steps between their units, and logits of every row.
Result<void> runAll(Session &session) {
  STRATA_ASSIGN(SequenceId prompting, session.openSequence());
  std::optional<SequenceId> decoding;
  if (auto second = session.openSequence())
    decoding = *second;
  STRATA_ASSIGN(PromptStep prompt, session.startPrompt(prompting, std::vector<int32_t>(75, 1), WantedRows::all, {}));
  for (bool done = false; !done;) {
    STRATA_ASSIGN(done, prompt.advance());
    DecodeRow row = {decoding.value_or(0), 2};
    if (decoding && session.positions(*decoding) < 3)
      STRATA_TRY(session.decode({&row, 1}));
  }
  return {};
}

enum class Outcome { Refused, Ran, FailedToRun };

/// Refusals must be clean: an error of the input or of the machine, never one of ours.
Outcome tryToRun(const std::vector<std::byte> &file, const std::string &what) {
  auto isClean = [&](const Error &error) {
    EXPECT_TRUE(error.code == ExitCode::Input || error.code == ExitCode::Machine) << what << ": " << error.message;
    EXPECT_FALSE(error.message.empty()) << what;
  };
  auto loaded = LoadedArtifact::load(file, "changed.strata");
  if (!loaded) {
    isClean(loaded.error());
    EXPECT_FALSE(loaded.error().id.empty()) << what;
    return Outcome::Refused;
  }
  auto model = locateModel(*loaded, testModel().path());
  if (!model) {
    isClean(model.error());
    return Outcome::Refused;
  }
  auto made = std::make_unique<CheckingDevice>(loaded->root().worker_scratch_bytes());
  CheckingDevice *device = made.get();
  auto session = Session::create(std::move(*loaded), *model, std::move(made), {});
  if (!session) {
    isClean(session.error());
    return Outcome::Refused;
  }
  auto result = runAll(**session);
  EXPECT_TRUE(device->violations.empty()) << what << ": " << device->violations.front();
  if (result)
    return Outcome::Ran;
  isClean(result.error());
  return Outcome::FailedToRun;
}

uint64_t changed(uint64_t bits, std::mt19937_64 &random) {
  switch (random() % 8) {
  case 0:
    return 0;
  case 1:
    return bits + 1;
  case 2:
    return bits - 1;
  case 3:
    return bits * 2;
  case 4:
    return bits / 2;
  case 5:
    return ~uint64_t(0) - random() % 128;
  case 6:
    return bits ^ (uint64_t(1) << random() % 64);
  default:
    return random() % 128;
  }
}

TEST(Mutation, EveryNumber) {
  std::mt19937_64 random(1);
  size_t refused = 0, ran = 0;
  schema::ArtifactT artifact = testModel().artifact();
  ArtifactFields all(artifact);
  ASSERT_GT(all.fields.size(), 1000u);
  ASSERT_EQ(tryToRun(artifactFile(artifact), "unchanged"), Outcome::Ran);
  for (const ArtifactField &field : all.fields) {
    uint64_t before = field.get();
    uint64_t bits = changed(before, random);
    field.set(bits);
    Outcome outcome = tryToRun(artifactFile(artifact), field.name + " = " + std::to_string(bits));
    (outcome == Outcome::Refused ? refused : ran) += 1;
    field.set(before);
  }
  // Both happen: the checks are neither blind nor all there is.
  EXPECT_GT(refused, all.fields.size() / 2);
  EXPECT_GT(ran, 20u);
}

TEST(Mutation, AnyByte) {
  std::mt19937_64 random(2);
  const std::vector<std::byte> payload = packArtifact(testModel().artifact());
  size_t refused = 0;
  constexpr size_t kTries = 2000;
  for (size_t i = 0; i < kTries; ++i) {
    std::vector<std::byte> other = payload;
    size_t at = random() % other.size();
    other[at] ^= static_cast<std::byte>(1 + random() % 255);
    refused += tryToRun(wrapPayload(other), "byte " + std::to_string(at)) == Outcome::Refused;
  }
  EXPECT_GT(refused, kTries / 4);
}

} // namespace
} // namespace strata::test
