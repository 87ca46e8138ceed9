// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Geometry of `experts`, the experts of a prompt.
#include "compiler/Kernels/GeometryParts.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::kernels::detail {
namespace {

/// PromptShape::kTiles of ExpertsPrompt.cuh for a matrix of `results` rows of `rowLength` numbers.
uint32_t promptTiles(const Request &request, const Schedule &schedule, Encoding weight, uint32_t results,
                     uint32_t rowLength, bool gated) {
  if (readsDigits(request, weight))
    return ceilDivide(results, gated ? schedule.rows / 2 : schedule.rows);
  return ceilDivide(results, fewTile(weight, rowLength, schedule));
}

/// Makes the steps of one operation; the encodings are those of gate, up and down.
class Builder {
public:
  explicit Builder(const Request &from) : request(from), segment(std::to_string(from.segmentRows)) {}

  void add(std::string name, const std::string &constants, std::vector<std::string> arguments, uint32_t gridX,
           uint32_t rowsPerCta) {
    Step step = {std::move(name), {"ExpertsPrompt.cuh"}, "", std::move(arguments)};
    step.callee = fmt::format("strata::{}<{}>", step.name, constants);
    step.gridX = gridX;
    step.rowsPerCta = rowsPerCta;
    steps.push_back(std::move(step));
  }
  /// Repeats the last step over segments.
  void repeat(uint32_t group, uint32_t perRow) {
    Step &step = steps.back();
    step.group = group;
    step.perRow = perRow;
    step.segmentRows = request.segmentRows;
    step.arguments.emplace_back("rows");
    step.arguments.emplace_back("segment");
  }
  void finish() {
    steps.back().epilogue = true;
    steps.back().resultColumns = request.columns;
  }
  /// Quantises the hidden rows if the down weight wants digits, and says what it reads.
  std::string quantiseHidden(Encoding down, uint32_t width, uint32_t group, uint32_t perRow) {
    if (!readsDigits(request, down))
      return "(const unsigned char *)hidden";
    add("quantiseSegment",
        fmt::format("{}, {}, {}, {}", activationClass(request.activations, down), width, segment, perRow),
        {"hidden", "quantisedHidden"}, request.segmentRows * ceilDivide(width, 128), 0);
    repeat(group, perRow);
    return "quantisedHidden";
  }

  void routed();
  void shared();

  const Request &request;
  std::string segment;
  std::vector<Step> steps;
};

void Builder::routed() {
  auto [gate, up, down] = std::array{request.weights[0], request.weights[1], request.weights[2]};
  std::string experts = expertsClass(request);
  add("expertsSort", fmt::format("{}, {}", request.experts, request.expertsUsed),
      {"ids", "sorted", "inverse", "offsets", "rows"}, request.experts, 0);
  steps.back().files = {"ExpertsSort.cuh"};

  auto columnTiles = [&](const Schedule &schedule) {
    return std::min(request.segmentRows, ceilDivide(request.segmentRows, schedule.columns) + request.experts);
  };
  const Schedule &gateUp = request.schedules[0], &last = request.schedules[1];
  add("expertsPromptGateUp",
      fmt::format("{}, {}, {}, {}, {}, {}", weightClass(gate), weightClass(up),
                  activationClass(request.activations, gate), experts, segment, gateUp.rows),
      {"input", "gate", "up", "sorted", "offsets", "hidden"},
      promptTiles(request, gateUp, gate, request.width, request.columns, true) * columnTiles(gateUp), 0);
  steps.back().minimumCtas = gateUp.minimumCtas;
  repeat(1, request.expertsUsed);
  std::string hidden = quantiseHidden(down, request.width, 1, request.expertsUsed);
  add("expertsPromptDown",
      fmt::format("{}, {}, {}, {}, {}", weightClass(down), activationClass(request.activations, down), experts, segment,
                  last.rows),
      {hidden, "down", "offsets", "partial"},
      promptTiles(request, last, down, request.columns, request.width, false) * columnTiles(last), 0);
  steps.back().minimumCtas = last.minimumCtas;
  repeat(1, request.expertsUsed);
  add("expertsPromptGather", fmt::format("{}, {}", experts, segment), {"weights", "inverse", "partial", "routed"},
      ceilDivide(request.columns, 128), 1);
  repeat(1, request.expertsUsed);
}

void Builder::shared() {
  auto [gate, up, down] = std::array{request.weights[3], request.weights[4], request.weights[5]};
  std::string experts = expertsClass(request);
  const Schedule &gateUp = request.schedules[2], &last = request.schedules[3];
  auto columnTiles = [&](const Schedule &schedule) { return ceilDivide(request.segmentRows, schedule.columns); };
  add("sharedPromptGateUp",
      fmt::format("{}, {}, {}, {}, {}, {}", weightClass(gate), weightClass(up),
                  activationClass(request.activations, gate), experts, segment, gateUp.rows),
      {"input", "sharedGate", "sharedUp", "hidden"},
      promptTiles(request, gateUp, gate, request.sharedWidth, request.columns, true) * columnTiles(gateUp), 0);
  steps.back().minimumCtas = gateUp.minimumCtas;
  repeat(2, 1);
  std::string hidden = quantiseHidden(down, request.sharedWidth, 2, 1);
  add("sharedPromptDown",
      fmt::format("{}, {}, {}, {}, epilogue, {}", weightClass(down), activationClass(request.activations, down),
                  experts, segment, last.rows),
      {hidden, "sharedDown", "routed", "residual", "result"},
      promptTiles(request, last, down, request.columns, request.sharedWidth, false) * columnTiles(last), 0);
  steps.back().minimumCtas = last.minimumCtas;
  repeat(2, 1);
  finish();
}

} // namespace

Plan expertsOfPrompt(const Request &request) {
  Builder builder(request);
  builder.routed();
  bool shared = request.sharedWidth > 0;
  if (shared) {
    builder.shared();
  } else {
    builder.add("expertsPromptFinish", expertsClass(request) + ", epilogue", {"routed", "residual", "result"},
                ceilDivide(request.columns, 128), 1);
    builder.finish();
  }
  Plan plan;
  plan.parameters = {{kBytes, "input"}, {kIntegers, "ids"}, {kFloats, "weights"},
                     {kBytes, "gate"},  {kBytes, "up"},     {kBytes, "down"}};
  if (shared)
    plan.parameters.insert(plan.parameters.end(),
                           {{kBytes, "sharedGate"}, {kBytes, "sharedUp"}, {kBytes, "sharedDown"}});
  plan.parameters.push_back({kFloats, "residual"});
  // Scratch is both read and written: it is passed twice, and used as it is written.
  plan.parameters.insert(plan.parameters.end(), {{kFloats, "routedRead"},
                                                 {kIntegers, "sortedRead"},
                                                 {kIntegers, "inverseRead"},
                                                 {kIntegers, "offsetsRead"},
                                                 {kFloats, "hiddenRead"},
                                                 {kBytes, "quantisedHiddenRead"},
                                                 {kFloats, "partialRead"}});
  plan.parameters.push_back({kResult, "result"});
  plan.parameters.insert(plan.parameters.end(), {{kResult, "routed"},
                                                 {kIntegerResult, "sorted"},
                                                 {kIntegerResult, "inverse"},
                                                 {kIntegerResult, "offsets"},
                                                 {kResult, "hidden"},
                                                 {kWritten, "quantisedHidden"},
                                                 {kResult, "partial"}});
  plan.steps = std::move(builder.steps);
  return plan;
}

} // namespace strata::kernels::detail
