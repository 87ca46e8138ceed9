// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An artifact in memory whose every part has been checked: what executes it need not check again.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace strata {

/// A compiled model. Loading trusts nothing: size, identifier, version, length and hash of the envelope, the
/// flatbuffer's structure, then what it says, each refusal with a sentence and the id of its check
/// (docs/artifact-format.md). Executing what was loaded cannot crash, nor read or write outside its memory.
class LoadedArtifact {
public:
  /// Reads the whole file; nothing is mapped. Exit code 1 if it is not a valid artifact.
  static Result<LoadedArtifact> load(const std::string &path);
  /// The same of bytes in memory, which are copied; `name` is for messages.
  static Result<LoadedArtifact> load(std::span<const std::byte> file, const std::string &name);

  const schema::Artifact &root() const { return *artifact; }
  /// Where it came from, for messages and for finding the model beside it.
  const std::string &path() const { return source; }

private:
  struct AlignedDelete {
    void operator()(std::byte *bytes) const;
  };
  using AlignedBytes = std::unique_ptr<std::byte[], AlignedDelete>;

  static Result<AlignedBytes> allocate(std::size_t bytes);
  static Result<LoadedArtifact> check(AlignedBytes bytes, std::size_t size, const std::string &name);

  AlignedBytes bytes;
  const schema::Artifact *artifact = nullptr;
  std::string source;
};

/// Fails with A27, exit code 3, if the plan is over several tiers with a GPU: nothing here executes such a one yet.
Result<void> requireRunnable(const schema::Artifact &artifact);

} // namespace strata
