// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Sampler.h"

#include "runtime/Text/Random.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace strata::text {

/// An error unless the option lies in the range; a NaN lies in none.
static Result<void> inRange(std::string_view name, double value, bool ok, std::string_view range) {
  if (ok)
    return {};
  return fail(ExitCode::CommandLine, "", fmt::format("{} is {}, but must be {}", name, value, range));
}

Result<Sampler> Sampler::create(const SamplingOptions &options, size_t vocabularySize) {
  const SamplingOptions &o = options;
  STRATA_TRY(inRange("temperature", o.temperature, o.temperature >= 0 && o.temperature <= 100, "from 0 to 100"));
  STRATA_TRY(inRange("top-k", static_cast<double>(o.topK), o.topK >= 0, "0 (off) or more"));
  STRATA_TRY(inRange("top-p", o.topP, o.topP > 0 && o.topP <= 1, "above 0 and at most 1"));
  STRATA_TRY(inRange("min-p", o.minP, o.minP >= 0 && o.minP <= 1, "from 0 to 1"));
  STRATA_TRY(inRange("repetition penalty", o.repetitionPenalty, o.repetitionPenalty > 0 && o.repetitionPenalty <= 100,
                     "above 0 and at most 100"));
  return Sampler(options, vocabularySize);
}

Sampler::Sampler(const SamplingOptions &checkedOptions, size_t vocabularySize)
    : options(checkedOptions), candidates(vocabularySize) {}

bool Sampler::before(const Candidate &left, const Candidate &right) {
  return left.logit != right.logit ? left.logit > right.logit : left.id < right.id;
}

Result<int32_t> Sampler::sample(std::span<const float> logits, std::span<const int32_t> history, uint64_t step) {
  if (logits.size() != candidates.size() || logits.empty())
    return fail(ExitCode::Bug, "", fmt::format("{} logits for {} tokens", logits.size(), candidates.size()));
  for (size_t id = 0; id < logits.size(); ++id)
    if (!std::isfinite(logits[id]))
      return fail(ExitCode::Input, "",
                  fmt::format("non-finite logits: token {} has {} at step {}; the weights are damaged or the "
                              "computation overflowed (--activations=f32 tells which)",
                              id, logits[id], step));
  penalise(logits, history);
  if (options.temperature == 0)
    return std::min_element(candidates.begin(), candidates.end(), before)->id;
  applyTemperature();
  keepTopK();
  keepTopP();
  keepMinP();
  return draw(step);
}

void Sampler::penalise(std::span<const float> logits, std::span<const int32_t> history) {
  for (size_t id = 0; id < logits.size(); ++id)
    candidates[id] = {logits[id], 0, static_cast<int32_t>(id)};
  kept = candidates.size();
  sorted = 0;
  if (options.repetitionPenalty == 1)
    return;
  // From the logit as it came, so that a token that occurs twice is penalised once.
  for (int32_t id : history) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size())
      continue;
    double logit = logits[static_cast<size_t>(id)];
    candidates[static_cast<size_t>(id)].logit =
        logit > 0 ? logit / options.repetitionPenalty : logit * options.repetitionPenalty;
  }
}

void Sampler::applyTemperature() {
  double largest = std::min_element(candidates.begin(), candidates.end(), before)->logit;
  for (Candidate &candidate : candidates)
    candidate.probability = std::exp((candidate.logit - largest) / options.temperature);
}

void Sampler::sortFirst(size_t count) {
  count = std::min(count, kept);
  if (count <= sorted)
    return;
  auto at = [&](size_t index) { return candidates.begin() + static_cast<ptrdiff_t>(index); };
  // Selecting and then sorting beats std::partial_sort's heap once the count is not small.
  if (count < kept)
    std::nth_element(at(sorted), at(count), at(kept), before);
  std::sort(at(sorted), at(count), before);
  sorted = count;
}

double Sampler::massOfKept() const {
  double mass = 0;
  for (size_t index = 0; index < kept; ++index)
    mass += candidates[index].probability;
  return mass;
}

void Sampler::keepTopK() {
  if (options.topK == 0 || static_cast<uint64_t>(options.topK) >= kept)
    return;
  sortFirst(static_cast<size_t>(options.topK));
  kept = static_cast<size_t>(options.topK);
}

void Sampler::keepTopP() {
  if (options.topP == 1)
    return;
  double wanted = options.topP * massOfKept();
  double mass = 0;
  // Sorting all of a large vocabulary costs more than the rest together, and a few dozen tokens usually suffice.
  constexpr size_t kFirst = 64;
  for (size_t index = 0; index < kept; ++index) {
    if (index == sorted)
      sortFirst(std::max(kFirst, 4 * sorted));
    mass += candidates[index].probability;
    if (mass >= wanted) {
      kept = index + 1;
      sorted = std::min(sorted, kept);
      return;
    }
  }
}

void Sampler::keepMinP() {
  if (options.minP == 0)
    return;
  auto end = candidates.begin() + static_cast<ptrdiff_t>(kept);
  auto newEnd = std::remove_if(candidates.begin(), end,
                               [&](const Candidate &candidate) { return candidate.probability < options.minP; });
  kept = static_cast<size_t>(newEnd - candidates.begin());
}

int32_t Sampler::draw(uint64_t step) const {
  double target = uniform(options.seed, step) * massOfKept();
  double mass = 0;
  size_t last = 0;
  for (size_t index = 0; index < kept; ++index) {
    if (candidates[index].probability == 0)
      continue;
    last = index;
    mass += candidates[index].probability;
    if (mass > target)
      break;
  }
  return candidates[last].id;
}

} // namespace strata::text
