// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The letters in the shapes of OperationSignatures.h, and what they stand for in one dispatch.
#pragma once

#include "runtime/Base/Checked.h"
#include "runtime/Schema/artifact_generated.h"

#include <array>
#include <optional>
#include <string_view>

namespace strata::artifact {

class ShapeSymbols {
public:
  /// Binds what is known before any operand is looked at: the vocabulary, the KV cache's numbers, the parameters.
  ShapeSymbols(const schema::Artifact &artifact, const schema::Dispatch &dispatch);

  /// If `shape` is one letter that stands for nothing yet, it stands for `actual` from now on.
  void bind(std::string_view shape, uint64_t actual);

  /// A sum of products of letters and numbers ("H*P+H*R"). Not valid if it overflows or a letter stands for nothing.
  Checked evaluate(std::string_view shape) const;

private:
  std::optional<uint64_t> &of(char letter) { return letters[static_cast<unsigned char>(letter) % letters.size()]; }
  Checked factor(std::string_view text) const;
  Checked product(std::string_view text) const;

  std::array<std::optional<uint64_t>, 128> letters;
};

/// The part of `text` before the first `separator`, which is taken from it together with the separator.
std::string_view takePart(std::string_view &text, char separator);

} // namespace strata::artifact
