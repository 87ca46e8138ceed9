// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Kernels/Schedules.h"

#include "compiler/Kernels/GeometryParts.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace strata::kernels {

using namespace detail;
using schema::Operation;

namespace {

constexpr uint32_t kAny = std::numeric_limits<uint32_t>::max();

/// What a row of the table asks of a product in the few-column form. All must hold.
struct Row {
  bool digits;          ///< The activations are digits; else f32.
  bool wholeScales;     ///< Blocks of 32 must have one scale (Q6_K has two).
  uint32_t columnsTo;   ///< Activation rows that share a read of the weight, at most this many.
  uint32_t groupsTo;    ///< Rows of the weight side by side in a warp, because they are short, at most.
  uint32_t weightsTo;   ///< Weights read side by side, at most: 2 for gate and up.
  uint32_t resultsTo;   ///< Rows of the weight, at most.
  uint32_t rows;        ///< -> Schedule::rows
  uint32_t minimumCtas; ///< -> Schedule::minimumCtas
};

/// The first row that fits decides. Rows of the weight that a lane works on share what it reads of the activations, and
/// loads of several rows are in flight together; but registers grow with rows times columns, and a matrix of few rows
/// must be spread over all multiprocessors. The CTAs are as many as leave ptxas the registers to spill nothing.
/// Figures behind the choice: Kernels/README.md, "What decided".
constexpr Row kFewTable[] = {
    // digits, whole scales, columns, groups, weights, results -> rows, CTAs
    {true, false, 2, kAny, 1, 2559, 1, 5},    // Few results: one row per lane, more CTAs.
    {true, false, 2, 2, kAny, kAny, 2, 5},    //
    {true, false, 2, kAny, kAny, kAny, 1, 5}, // Short rows are side by side already.
    {true, true, 4, 1, 1, kAny, 4, 3},        //
    {true, false, 4, 2, kAny, kAny, 2, 3},    //
    {true, false, 4, kAny, kAny, kAny, 1, 3}, //
    {true, false, 8, 2, kAny, kAny, 2, 4},    // Eight columns leave registers for two rows.
    {true, false, 8, kAny, kAny, kAny, 1, 4}, //
    {false, false, 2, kAny, 1, 2559, 1, 3},   // f32 activations take four times the registers of digits.
    {false, false, 2, 2, kAny, kAny, 2, 3},   //
    {false, false, 2, kAny, kAny, kAny, 1, 3}, {false, false, 4, 2, kAny, kAny, 2, 2},
    {false, false, 4, kAny, kAny, kAny, 1, 2},
};

/// The tensor-core tile has one shape.
constexpr Schedule kTile = {kTileColumns, kTileRows, kTileCtas};

Schedule fewSchedule(Encoding weight, bool digits, uint32_t results, uint32_t rowLength, uint32_t columns,
                     uint32_t weights) {
  uint32_t groups = groupsOf(weight, rowLength);
  bool wholeScale = weight != Encoding::Q6_K;
  const Row *row = std::ranges::find_if(kFewTable, [&](const Row &candidate) {
    return candidate.digits == digits && (wholeScale || !candidate.wholeScales) && columns <= candidate.columnsTo &&
           groups <= candidate.groupsTo && weights <= candidate.weightsTo && results <= candidate.resultsTo;
  });
  return {columns, row->rows, row->minimumCtas};
}

/// Of experts in a prompt: tiles of digits, or four columns of f32.
Schedule promptSchedule(const Request &request, Encoding weight, uint32_t results, uint32_t rowLength,
                        uint32_t weights) {
  if (readsDigits(request, weight))
    return kTile;
  return fewSchedule(weight, false, results, rowLength, 4, weights);
}

Schedule productSchedule(const Request &request) {
  bool digits = readsDigits(request, request.weights[0]);
  if (request.form == schema::Form::many && digits)
    return kTile;
  // The many-column form of rows of f32 is the few-column one: same sums in the same order.
  return fewSchedule(request.weights[0], digits, request.results, request.columns,
                     fewColumns(request.maximumRows, digits), request.operation == Operation::gated_matmul ? 2 : 1);
}

/// Of one token: a column at a time.
Schedule stepSchedule(const Request &request, Encoding weight, uint32_t results, uint32_t rowLength, uint32_t weights) {
  return fewSchedule(weight, readsDigits(request, weight), results, rowLength, 1, weights);
}

} // namespace

std::vector<Schedule> schedulesFor(const Request &request) {
  if (request.kind != Kind::Operation)
    return {};
  bool shared = request.sharedWidth > 0;
  const auto &weights = request.weights;
  switch (request.operation) {
  case Operation::matmul:
  case Operation::gated_matmul:
  case Operation::head_matmul:
    return {productSchedule(request)};
  case Operation::experts_gate_up: {
    std::vector<Schedule> result = {stepSchedule(request, weights[0], request.width, request.columns, 2)};
    if (shared)
      result.push_back(stepSchedule(request, weights[2], request.sharedWidth, request.columns, 2));
    return result;
  }
  case Operation::experts_down:
    return {stepSchedule(request, weights[0], request.columns, request.width, 1)};
  case Operation::experts:
  case Operation::experts_grouped: {
    std::vector<Schedule> result = {promptSchedule(request, weights[0], request.width, request.columns, 2),
                                    promptSchedule(request, weights[2], request.columns, request.width, 1)};
    if (shared) {
      result.push_back(promptSchedule(request, weights[3], request.sharedWidth, request.columns, 2));
      result.push_back(promptSchedule(request, weights[5], request.columns, request.sharedWidth, 1));
    }
    return result;
  }
  default:
    return {};
  }
}

std::string checkSchedules(const Request &request, const std::vector<Schedule> &schedules) {
  std::vector<Schedule> usual = schedulesFor(request);
  if (schedules.size() != usual.size())
    return fmt::format("needs {} schedules, {} are there", usual.size(), schedules.size());
  for (size_t i = 0; i < usual.size(); ++i) {
    const Schedule &schedule = schedules[i];
    if (schedule.minimumCtas == 0 || schedule.minimumCtas > 16)
      return fmt::format("has a schedule with {} CTAs: 1 to 16 of 128 threads fit a multiprocessor",
                         schedule.minimumCtas);
    if (usual[i] == kTile) {
      if (schedule.rows != kTile.rows || schedule.columns != kTile.columns)
        return fmt::format("has a schedule of {} rows and {} columns, but a tensor-core tile has {} and {}",
                           schedule.rows, schedule.columns, kTile.rows, kTile.columns);
    } else if (schedule.columns != usual[i].columns) {
      return fmt::format("has a schedule of {} columns, but launches with {}", schedule.columns, usual[i].columns);
    } else if (schedule.rows == 0 || schedule.rows > 8) {
      return fmt::format("has a schedule of {} rows per lane: 1 to 8 can be built", schedule.rows);
    }
  }
  return {};
}

} // namespace strata::kernels
