// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// route: DeepSeek-V3's choice of experts (arXiv 2412.19437, section 2.1.2, with groups of experts masked by -infinity).
#include "runtime/Device/Host/Functions.h"
#include "runtime/Device/Host/Kernels.h"

#include <cmath>
#include <limits>

namespace strata::host {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// One worker's scratch: one number or mark for every expert or group.
struct RouterScratch {
  RouterScratch(std::byte *memory, uint64_t experts, uint64_t groups)
      : scores(reinterpret_cast<float *>(memory)), choice(scores + experts), groupScores(choice + experts),
        taken(reinterpret_cast<bool *>(groupScores + groups)), groupTaken(taken + experts) {}

  float *scores; ///< What the weights are made of.
  float *choice; ///< What the choice is made by.
  float *groupScores;
  bool *taken;
  bool *groupTaken;
};

/// A number to choose by: one that is not a number comes before all others, so that it shows in the result.
float comparable(float score) {
  return std::isnan(score) ? kInfinity : score;
}

void scoreExperts(const float *logits, uint64_t experts, schema::Gate gate, float *scores) {
  if (gate == schema::Gate::sigmoid) {
    for (uint64_t expert = 0; expert < experts; ++expert)
      scores[expert] = sigmoid(logits[expert]);
    return;
  }
  float largest = logits[0], sum = 0;
  for (uint64_t expert = 1; expert < experts; ++expert)
    largest = std::max(largest, logits[expert]);
  for (uint64_t expert = 0; expert < experts; ++expert) {
    scores[expert] = exponential(logits[expert] - largest);
    sum += scores[expert];
  }
  for (uint64_t expert = 0; expert < experts; ++expert)
    scores[expert] /= sum;
}

/// Marks the `wanted` largest of `count` numbers, the lower index first among equals.
void takeBest(const float *numbers, uint64_t count, uint64_t wanted, bool *taken) {
  std::fill_n(taken, count, false);
  for (uint64_t round = 0; round < wanted; ++round) {
    uint64_t best = count;
    for (uint64_t i = 0; i < count; ++i)
      if (!taken[i] && (best == count || numbers[i] > numbers[best]))
        best = i;
    taken[best] = true;
  }
}

/// The sum of a group's two largest choice scores; of the only one if it has one.
float groupScore(const float *choice, uint64_t size) {
  float first = choice[0], second = -kInfinity;
  for (uint64_t i = 1; i < size; ++i) {
    second = std::max(second, std::min(first, choice[i]));
    first = std::max(first, choice[i]);
  }
  return size == 1 ? first : comparable(first + second);
}

/// Sets the choice scores of all experts outside the best groups to -infinity.
void maskGroups(const CallParameters &parameters, uint64_t experts, const RouterScratch &scratch) {
  uint64_t size = experts / parameters.groups;
  for (uint64_t group = 0; group < parameters.groups; ++group)
    scratch.groupScores[group] = groupScore(scratch.choice + group * size, size);
  takeBest(scratch.groupScores, parameters.groups, parameters.groupsUsed, scratch.groupTaken);
  for (uint64_t group = 0; group < parameters.groups; ++group)
    if (!scratch.groupTaken[group])
      std::fill_n(scratch.choice + group * size, size, -kInfinity);
}

void writeChosen(const CallParameters &parameters, uint64_t experts, const RouterScratch &scratch, int32_t *ids,
                 float *weights) {
  float sum = 0;
  uint64_t slot = 0;
  for (uint64_t expert = 0; expert < experts; ++expert) {
    if (!scratch.taken[expert])
      continue;
    ids[slot] = static_cast<int32_t>(expert);
    weights[slot++] = scratch.scores[expert];
    sum += scratch.scores[expert];
  }
  float divisor = parameters.normalise ? sum + 1e-20f : 1.0f;
  for (uint64_t i = 0; i < slot; ++i)
    weights[i] = weights[i] / divisor * parameters.scale;
}

} // namespace

void route(const Context &context, const KernelCall &call) {
  const BoundOperand &logits = call.reads[0], &bias = call.reads[1];
  const BoundOperand &idsResult = call.writes[0], &weightsResult = call.writes[1];
  const CallParameters &parameters = call.parameters;
  uint64_t experts = logits.columns;
  const auto *biases = present(bias) ? reinterpret_cast<const float *>(bias.data) : nullptr;
  auto rows = [&](uint64_t begin, uint64_t end, unsigned worker) {
    RouterScratch scratch(context.workerScratch(worker), experts, parameters.groups);
    for (uint64_t row = begin; row < end; ++row) {
      scoreExperts(rowOf<const float>(logits, row), experts, parameters.gate, scratch.scores);
      for (uint64_t expert = 0; expert < experts; ++expert)
        scratch.choice[expert] = comparable(biases ? scratch.scores[expert] + biases[expert] : scratch.scores[expert]);
      if (parameters.groups > 1)
        maskGroups(parameters, experts, scratch);
      takeBest(scratch.choice, experts, parameters.expertsUsed, scratch.taken);
      writeChosen(parameters, experts, scratch, rowOf<int32_t>(idsResult, row), rowOf<float>(weightsResult, row));
    }
  };
  context.pool.parallelFor(call.rows, grainFor(experts * (parameters.expertsUsed + 16)), rows);
}

} // namespace strata::host
