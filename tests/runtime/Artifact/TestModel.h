// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The smallest model that has every operation: one dense layer and one with experts, as a GGUF with random weights and
// as the artifact that a compiler would make of it. For the tests of Artifact, Memory and Exec.
#pragma once

#include "runtime/Schema/artifact_generated.h"
#include "runtime/Weights/Gguf.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strata::test {

inline constexpr uint32_t kVocabulary = 40;
inline constexpr uint32_t kContext = 200; ///< Four position blocks, the last one not full.
inline constexpr uint32_t kSequences = 3;
inline constexpr uint32_t kPromptTokens = 70; ///< Less than the context: long prompts take several passes.
inline constexpr uint32_t kChunkTokens = 16;

/// The GGUF's bytes.
std::string testModelFile();

/// The model in a folder of its own, and the artifact compiled for it.
class TestModel {
public:
  TestModel();

  const std::string &path() const { return modelPath; }
  const gguf::Model &model() const { return *opened; }
  TemporaryFolder &folder() { return files; }

  /// A valid artifact, to be changed.
  schema::ArtifactT artifact() const;

private:
  TemporaryFolder files;
  std::string modelPath;
  std::unique_ptr<gguf::Model> opened;
};

/// The flatbuffer of an artifact, which may say anything.
std::vector<std::byte> packArtifact(const schema::ArtifactT &artifact);
/// A whole artifact file around a flatbuffer.
std::vector<std::byte> wrapPayload(std::span<const std::byte> payload);
std::vector<std::byte> artifactFile(const schema::ArtifactT &artifact);

} // namespace strata::test
