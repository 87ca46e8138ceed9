// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The names and the consistency of a split set.
#pragma once

#include "runtime/Weights/HeaderReader.h"

#include <optional>

namespace strata::gguf {

/// PREFIX-%05d-of-%05d.gguf, the name that llama-gguf-split gives. Numbers are from 1.
struct SplitName {
  std::string prefix; ///< With the directory.
  uint32_t number = 1;
  uint32_t count = 1;

  /// The path of another file of the set.
  std::string path(uint32_t fileNumber) const;
};

/// Nothing if the path has not the form.
std::optional<SplitName> parseSplitName(std::string_view path);

/// The files that belong to `path`, which must be a single file or the first of its set: G38.
Result<std::vector<Place>> placesOf(const std::string &path);

/// Each file is where its name says: G38 to G40 (a missing file is found before it is opened).
Result<void> checkPart(const Header &header);
Result<void> checkExists(const Place &place);

/// The files are of one model: G23, G41, G42. Duplicate tensors (G26) are found when they are indexed.
Result<void> checkSet(const std::vector<Header> &headers);

} // namespace strata::gguf
