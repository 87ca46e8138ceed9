// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the tests of refusals share: a case, how a sound artifact is reached into, and what being refused means.

#pragma once

#include "runtime/Artifact/LoadedArtifact.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::test {

inline constexpr size_t kDecode = 0, kPrompt = 1;
inline constexpr size_t kEmbeddingBlock = 0, kDenseBlock = 1, kExpertsBlock = 2, kHeadBlock = 3;

struct RefusalCase {
  const char *name; ///< Begins with the id.
  const char *message;
  std::function<void(schema::ArtifactT &)> change;
};

inline schema::BlockT &block(schema::ArtifactT &artifact, size_t program, size_t index) {
  return *artifact.programs[program]->blocks[index];
}
/// The first dispatch of an operation in a block.
inline schema::DispatchT &dispatch(schema::ArtifactT &artifact, size_t program, size_t inBlock,
                                   schema::Operation operation) {
  for (auto &stage : block(artifact, program, inBlock).stages)
    for (auto &each : stage->dispatches)
      if (each->operation == operation)
        return *each;
  throw std::out_of_range("no such operation");
}
inline schema::DispatchT &decodeDispatch(schema::ArtifactT &artifact, size_t inBlock, schema::Operation operation) {
  return dispatch(artifact, kDecode, inBlock, operation);
}

/// Makes the change to a sound artifact and expects it to be refused by the rule that the case's name begins with.
inline void expectRefused(const RefusalCase &refusal) {
  static TestModel model;
  schema::ArtifactT artifact = model.artifact();
  refusal.change(artifact);
  auto loaded = LoadedArtifact::load(artifactFile(artifact), "bad.strata");
  ASSERT_FALSE(loaded);
  const Error &error = loaded.error();
  EXPECT_EQ(error.id, std::string(refusal.name).substr(0, 3)) << error.message;
  EXPECT_EQ(error.code, ExitCode::Input);
  EXPECT_THAT(error.message, testing::HasSubstr(refusal.message));
  EXPECT_THAT(error.message, testing::StartsWith("the artifact bad.strata cannot be used: "));
}

} // namespace strata::test
