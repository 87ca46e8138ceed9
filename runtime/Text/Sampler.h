// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Choosing the next token from logits.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata::text {

/// How tokens are chosen. The defaults are the model card's.
struct SamplingOptions {
  double temperature = 0.6;     ///< 0 is greedy: the largest logit, the lowest id among equals. Up to 100.
  int64_t topK = 0;             ///< Keep the k likeliest; 0 keeps all.
  double topP = 0.95;           ///< Keep the fewest likeliest that together reach p, in (0, 1]; 1 keeps all.
  double minP = 0;              ///< Keep those at least this fraction of the likeliest, in [0, 1].
  double repetitionPenalty = 1; ///< Divides positive and multiplies negative logits of earlier tokens, in (0, 100].
  uint64_t seed = 0;
};

/// Applies, in this order: repetition penalty (Keskar et al. 2019, "CTRL", section 4.1), temperature, top-k, top-p,
/// min-p; then draws. Nothing is allocated after create().
class Sampler {
public:
  /// Error (exit code 2): an option out of its range, naming it.
  static Result<Sampler> create(const SamplingOptions &options, size_t vocabularySize);

  /// The token at position `step` of the answer: a function of the logits, the options, `history` and `step` alone.
  /// `logits` has one value per token of the vocabulary; `history` is what the repetition penalty looks back on.
  /// Error (exit code 1): a logit that is infinite or not a number.
  Result<int32_t> sample(std::span<const float> logits, std::span<const int32_t> history, uint64_t step);

private:
  struct Candidate {
    double logit;       ///< After the repetition penalty.
    double probability; ///< Relative to the likeliest, whose is 1.
    int32_t id;
  };
  /// Likelier first, lower ids first among equals.
  static bool before(const Candidate &left, const Candidate &right);

  Sampler(const SamplingOptions &checkedOptions, size_t vocabularySize);

  void penalise(std::span<const float> logits, std::span<const int32_t> history);
  void applyTemperature();
  void keepTopK();
  void keepTopP();
  void keepMinP();
  int32_t draw(uint64_t step) const;
  void sortFirst(size_t count);
  double massOfKept() const;

  SamplingOptions options;
  std::vector<Candidate> candidates; ///< Always the whole vocabulary; the first `kept` are still in the running.
  size_t kept = 0;
  size_t sorted = 0; ///< How many of `candidates` are in order at the front.
};

} // namespace strata::text
