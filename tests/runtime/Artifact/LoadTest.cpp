// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/LoadedArtifact.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <gtest/gtest.h>

namespace strata::test {
namespace {

TEST(LoadArtifact, AcceptsAWholeOne) {
  TestModel model;
  auto loaded = LoadedArtifact::load(artifactFile(model.artifact()), "whole");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->root().settings()->context(), kContext);
  EXPECT_EQ(loaded->root().programs()->size(), 2u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&loaded->root()) % 4, 0u);
}

} // namespace
} // namespace strata::test
