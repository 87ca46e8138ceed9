// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace strata::reference {

static double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

static double silu(double x) {
  return x / (1 + std::exp(-x));
}

Matrix embed(std::span<const int32_t> tokens, const Matrix &weight) {
  Matrix result(tokens.size(), weight.columns);
  for (uint64_t row = 0; row < result.rows; ++row)
    std::ranges::copy(weight.row(static_cast<uint64_t>(tokens[row])), &result.at(row, 0));
  return result;
}

Matrix add(const Matrix &left, const Matrix &right) {
  Matrix result = left;
  for (uint64_t i = 0; i < result.numbers.size(); ++i)
    result.numbers[i] += right.numbers[i];
  return result;
}

static void normalise(std::span<const double> numbers, std::span<const double> weight, double epsilon, double *out) {
  double scale = 1 / std::sqrt(dot(numbers, numbers) / static_cast<double>(numbers.size()) + epsilon);
  for (uint64_t i = 0; i < numbers.size(); ++i)
    out[i] = numbers[i] * scale * weight[i];
}

Matrix rmsNorm(const Matrix &input, std::span<const double> weight, double epsilon) {
  Matrix result(input.rows, input.columns);
  for (uint64_t row = 0; row < input.rows; ++row)
    normalise(input.row(row), weight, epsilon, &result.at(row, 0));
  return result;
}

Matrix matmul(const Matrix &input, const Matrix &weight) {
  return headMatmul(input, weight, 1);
}

Matrix gatedMatmul(const Matrix &input, const Matrix &gate, const Matrix &up) {
  Matrix result = matmul(input, gate), factor = matmul(input, up);
  for (uint64_t i = 0; i < result.numbers.size(); ++i)
    result.numbers[i] = silu(result.numbers[i]) * factor.numbers[i];
  return result;
}

Matrix headMatmul(const Matrix &input, const Matrix &weight, uint64_t heads) {
  uint64_t rowsPerHead = weight.rows / heads;
  Matrix result(input.rows, weight.rows);
  for (uint64_t token = 0; token < input.rows; ++token)
    for (uint64_t row = 0; row < weight.rows; ++row)
      result.at(token, row) =
          dot(input.row(token).subspan(row / rowsPerHead * weight.columns, weight.columns), weight.row(row));
  return result;
}

static void rotate(std::span<const double> numbers, int32_t position, const Rotation &rotation, double *out) {
  for (uint64_t pair = 0; pair < rotation.frequencies.size(); ++pair) {
    double angle = static_cast<double>(static_cast<float>(position) * rotation.frequencies[pair]);
    double cosine = std::cos(angle) * rotation.magnitude, sine = std::sin(angle) * rotation.magnitude;
    double x = numbers[2 * pair], y = numbers[2 * pair + 1];
    out[2 * pair] = x * cosine - y * sine;
    out[2 * pair + 1] = x * sine + y * cosine;
  }
}

RotatedQuery queryRope(const Matrix &queries, std::span<const int32_t> positions, uint64_t heads, uint64_t nope,
                       const Rotation &rotation) {
  uint64_t rope = rotation.frequencies.size() * 2;
  RotatedQuery result{Matrix(queries.rows, heads * nope), Matrix(queries.rows, heads * rope)};
  for (uint64_t row = 0; row < queries.rows; ++row)
    for (uint64_t head = 0; head < heads; ++head) {
      std::span<const double> query = queries.row(row).subspan(head * (nope + rope), nope + rope);
      std::ranges::copy(query.first(nope), &result.nope.at(row, 0) + head * nope);
      rotate(query.last(rope), positions[row], rotation, &result.rope.at(row, 0) + head * rope);
    }
  return result;
}

Matrix kvRows(const Matrix &input, std::span<const double> weight, double epsilon, std::span<const int32_t> positions,
              const Rotation &rotation) {
  uint64_t latent = weight.size();
  Matrix result(input.rows, input.columns);
  for (uint64_t row = 0; row < input.rows; ++row) {
    normalise(input.row(row).first(latent), weight, epsilon, &result.at(row, 0));
    rotate(input.row(row).subspan(latent), positions[row], rotation, &result.at(row, 0) + latent);
  }
  return result;
}

static void softmax(std::vector<double> &scores) {
  double largest = std::ranges::max(scores), sum = 0;
  for (double &score : scores)
    sum += score = std::exp(score - largest);
  for (double &score : scores)
    score /= sum;
}

Matrix attention(const Matrix &absorbed, const Matrix &rotated, const Cache &cache, std::span<const int32_t> positions,
                 std::span<const int32_t> sequences, const AttentionShape &shape) {
  uint64_t latent = shape.latent, rope = rotated.columns / shape.heads;
  Matrix result(absorbed.rows, shape.heads * latent);
  for (uint64_t row = 0; row < absorbed.rows; ++row)
    for (uint64_t head = 0; head < shape.heads; ++head) {
      const Matrix &cached = cache[static_cast<uint64_t>(sequences[row])];
      std::vector<double> scores(static_cast<uint64_t>(positions[row]) + 1);
      for (uint64_t position = 0; position < scores.size(); ++position)
        scores[position] =
            shape.scale * (dot(absorbed.row(row).subspan(head * latent, latent), cached.row(position)) +
                           dot(rotated.row(row).subspan(head * rope, rope), cached.row(position).subspan(latent)));
      softmax(scores);
      for (uint64_t position = 0; position < scores.size(); ++position)
        for (uint64_t i = 0; i < latent; ++i)
          result.at(row, head * latent + i) += scores[position] * cached.at(position, i);
    }
  return result;
}

/// One head's keys or values of every cached row: the head's rows of the weight times the row's latent.
static double headDot(const Matrix &weight, uint64_t firstRow, uint64_t column, std::span<const double> latent) {
  double sum = 0;
  for (uint64_t i = 0; i < latent.size(); ++i)
    sum += weight.at(firstRow + i, column) * latent[i];
  return sum;
}

Matrix expandedAttention(const Matrix &nope, const Matrix &rotated, const Cache &cache, const Matrix &keyWeight,
                         const Matrix &valueWeight, std::span<const int32_t> positions,
                         std::span<const int32_t> sequences, const AttentionShape &shape) {
  uint64_t latent = shape.latent, rope = rotated.columns / shape.heads, nopeWidth = keyWeight.columns;
  uint64_t valueWidth = valueWeight.rows / shape.heads;
  Matrix result(nope.rows, shape.heads * valueWidth);
  for (uint64_t row = 0; row < nope.rows; ++row)
    for (uint64_t head = 0; head < shape.heads; ++head) {
      const Matrix &cached = cache[static_cast<uint64_t>(sequences[row])];
      std::vector<double> scores(static_cast<uint64_t>(positions[row]) + 1);
      for (uint64_t position = 0; position < scores.size(); ++position) {
        double score = dot(rotated.row(row).subspan(head * rope, rope), cached.row(position).subspan(latent));
        for (uint64_t i = 0; i < nopeWidth; ++i) // The key's number i is column i of the head's k_b, times the latent.
          score += nope.at(row, head * nopeWidth + i) *
                   headDot(keyWeight, head * latent, i, cached.row(position).first(latent));
        scores[position] = score * shape.scale;
      }
      softmax(scores);
      for (uint64_t position = 0; position < scores.size(); ++position)
        for (uint64_t i = 0; i < valueWidth; ++i)
          result.at(row, head * valueWidth + i) +=
              scores[position] * dot(valueWeight.row(head * valueWidth + i), cached.row(position).first(latent));
    }
  return result;
}

/// The indices of the `wanted` largest numbers, ascending; the lower index first among equals.
static std::vector<uint64_t> best(const std::vector<double> &numbers, uint64_t wanted) {
  std::vector<uint64_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](uint64_t a, uint64_t b) { return numbers[a] > numbers[b]; });
  order.resize(wanted);
  std::ranges::sort(order);
  return order;
}

static void maskGroups(std::vector<double> &choice, const RouteOptions &options) {
  uint64_t size = choice.size() / options.groups;
  std::vector<double> groupScores;
  for (uint64_t group = 0; group < options.groups; ++group) {
    std::vector<double> members(choice.begin() + static_cast<std::ptrdiff_t>(group * size),
                                choice.begin() + static_cast<std::ptrdiff_t>((group + 1) * size));
    std::ranges::sort(members, std::greater());
    groupScores.push_back(members[0] + (size > 1 ? members[1] : 0));
  }
  std::vector<uint64_t> used = best(groupScores, options.groupsUsed);
  for (uint64_t expert = 0; expert < choice.size(); ++expert)
    if (!std::ranges::binary_search(used, expert / size))
      choice[expert] = -std::numeric_limits<double>::infinity();
}

Routing route(const Matrix &logits, std::span<const double> bias, const RouteOptions &options) {
  Routing result{{}, Matrix(logits.rows, options.expertsUsed)};
  for (uint64_t row = 0; row < logits.rows; ++row) {
    std::vector<double> scores(logits.row(row).begin(), logits.row(row).end());
    if (options.gate == schema::Gate::softmax)
      softmax(scores);
    else
      std::ranges::transform(scores, scores.begin(), [](double x) { return 1 / (1 + std::exp(-x)); });
    std::vector<double> choice = scores;
    for (uint64_t expert = 0; expert < bias.size(); ++expert)
      choice[expert] += bias[expert];
    if (options.groups > 1)
      maskGroups(choice, options);
    double sum = 0;
    std::vector<uint64_t> chosen = best(choice, options.expertsUsed);
    for (uint64_t expert : chosen)
      sum += scores[expert];
    for (uint64_t slot = 0; slot < chosen.size(); ++slot) {
      result.ids.push_back(static_cast<int32_t>(chosen[slot]));
      result.weights.at(row, slot) = scores[chosen[slot]] / (options.normalise ? sum + 1e-20 : 1) * options.scale;
    }
  }
  return result;
}

Matrix expertsGateUp(const Matrix &input, const Routing &routing, const Network &experts, const Network *shared) {
  uint64_t used = routing.weights.columns;
  Matrix result(input.rows, used * experts.width + (shared ? shared->width : 0));
  auto compute = [&](uint64_t row, const Network &network, uint64_t expert, uint64_t at) {
    for (uint64_t i = 0; i < network.width; ++i)
      result.at(row, at + i) = silu(dot(input.row(row), network.gate.row(expert * network.width + i))) *
                               dot(input.row(row), network.up.row(expert * network.width + i));
  };
  for (uint64_t row = 0; row < input.rows; ++row) {
    for (uint64_t slot = 0; slot < used; ++slot)
      compute(row, experts, static_cast<uint64_t>(routing.ids[row * used + slot]), slot * experts.width);
    if (shared)
      compute(row, *shared, 0, used * experts.width);
  }
  return result;
}

Matrix expertsDown(const Matrix &hidden, const Routing &routing, const Network &experts, const Network *shared,
                   const Matrix &residual) {
  uint64_t used = routing.weights.columns, embedding = residual.columns;
  Matrix result = residual;
  auto accumulate = [&](uint64_t row, const Network &network, uint64_t expert, uint64_t at, double weight) {
    for (uint64_t i = 0; i < embedding; ++i)
      result.at(row, i) +=
          weight * dot(hidden.row(row).subspan(at, network.width), network.down.row(expert * embedding + i));
  };
  for (uint64_t row = 0; row < hidden.rows; ++row) {
    for (uint64_t slot = 0; slot < used; ++slot)
      accumulate(row, experts, static_cast<uint64_t>(routing.ids[row * used + slot]), slot * experts.width,
                 routing.weights.at(row, slot));
    if (shared)
      accumulate(row, *shared, 0, used * experts.width, 1);
  }
  return result;
}

} // namespace strata::reference
