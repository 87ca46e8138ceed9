// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Geometry of `experts`, the experts of a prompt.
#include "compiler/Kernels/GeometryParts.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::kernels::detail {
namespace {

/// PromptShape of ExpertsPrompt.cuh.
struct PromptShape {
  uint32_t columns, tiles, minimumCtas;
};

PromptShape promptShape(const Request &request, Encoding weight, uint32_t rows, uint32_t length, bool gated) {
  if (readsDigits(request, weight))
    return {kTileColumns, ceilDivide(rows, gated ? kTileRows / 2 : kTileRows), kTileCtas};
  constexpr uint32_t kColumns = 4;
  FewShape few = fewShape(weight, false, rows, length, kColumns, gated ? 2 : 1);
  return {kColumns, ceilDivide(rows, few.tile), few.minimumCtas};
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

  auto tilesOf = [&](const PromptShape &shape) {
    uint32_t columnTiles = ceilDivide(request.segmentRows, shape.columns) + request.experts;
    return shape.tiles * std::min(request.segmentRows, columnTiles);
  };
  PromptShape shape = promptShape(request, gate, request.width, request.columns, true);
  add("expertsPromptGateUp",
      fmt::format("{}, {}, {}, {}, {}", weightClass(gate), weightClass(up), activationClass(request.activations, gate),
                  experts, segment),
      {"input", "gate", "up", "sorted", "offsets", "hidden"}, tilesOf(shape), 0);
  steps.back().minimumCtas = shape.minimumCtas;
  repeat(1, request.expertsUsed);
  std::string hidden = quantiseHidden(down, request.width, 1, request.expertsUsed);
  shape = promptShape(request, down, request.columns, request.width, false);
  add("expertsPromptDown",
      fmt::format("{}, {}, {}, {}", weightClass(down), activationClass(request.activations, down), experts, segment),
      {hidden, "down", "offsets", "partial"}, tilesOf(shape), 0);
  steps.back().minimumCtas = shape.minimumCtas;
  repeat(1, request.expertsUsed);
  add("expertsPromptGather", fmt::format("{}, {}", experts, segment), {"weights", "inverse", "partial", "routed"},
      ceilDivide(request.columns, 128), 1);
  repeat(1, request.expertsUsed);
}

void Builder::shared() {
  auto [gate, up, down] = std::array{request.weights[3], request.weights[4], request.weights[5]};
  std::string experts = expertsClass(request);
  PromptShape shape = promptShape(request, gate, request.sharedWidth, request.columns, true);
  add("sharedPromptGateUp",
      fmt::format("{}, {}, {}, {}, {}", weightClass(gate), weightClass(up), activationClass(request.activations, gate),
                  experts, segment),
      {"input", "sharedGate", "sharedUp", "hidden"}, shape.tiles * ceilDivide(request.segmentRows, shape.columns), 0);
  steps.back().minimumCtas = shape.minimumCtas;
  repeat(2, 1);
  std::string hidden = quantiseHidden(down, request.sharedWidth, 2, 1);
  shape = promptShape(request, down, request.columns, request.sharedWidth, false);
  add("sharedPromptDown",
      fmt::format("{}, {}, {}, {}, epilogue", weightClass(down), activationClass(request.activations, down), experts,
                  segment),
      {hidden, "sharedDown", "routed", "residual", "result"},
      shape.tiles * ceilDivide(request.segmentRows, shape.columns), 0);
  steps.back().minimumCtas = shape.minimumCtas;
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
