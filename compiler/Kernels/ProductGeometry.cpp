// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Geometry of the products and of the experts of a decode step.
#include "compiler/Kernels/GeometryParts.h"

#include <fmt/format.h>

namespace strata::kernels::detail {

using schema::Operation;

bool readsDigits(const Request &request, Encoding weight) {
  return isRepacked(weight) && request.activations != schema::ActivationEncoding::f32;
}

Plan product(const Request &request) {
  bool gated = request.operation == Operation::gated_matmul, heads = request.operation == Operation::head_matmul;
  Encoding weight = request.weights[0];
  bool digits = readsDigits(request, weight);
  const Schedule &schedule = request.schedules[0];
  bool tiles = request.form == schema::Form::many && digits;
  std::string name = fmt::format("{}{}",
                                 gated   ? "gatedMatmul"
                                 : heads ? "headMatmul"
                                         : "matmul",
                                 tiles ? "Many" : "Few");
  Step step = {name, {tiles ? "MatmulMany.cuh" : "MatmulFew.cuh"}, "", {}};
  std::string classes = weightClass(weight);
  if (gated)
    classes += ", " + weightClass(request.weights[1]);
  classes += ", " + activationClass(request.activations, weight);
  if (heads)
    classes += fmt::format(", {}", request.heads);
  step.callee = fmt::format("strata::{}<{}, {}, {}, epilogue{}>", step.name, classes, request.results, request.columns,
                            tiles ? "" : fmt::format(", {}, {}", schedule.columns, schedule.rows));
  step.epilogue = true;
  step.resultColumns = request.results * (heads ? request.heads : 1);
  // In a tile half of the rows are the gate's and half of them up's.
  uint32_t tile = tiles ? schedule.rows / (gated ? 2 : 1) : fewTile(weight, request.columns, schedule);
  step.gridX = ceilDivide(request.results, tile) * (heads ? request.heads : 1);
  step.rowsPerCta = schedule.columns;
  step.minimumCtas = schedule.minimumCtas;

  Plan plan;
  plan.parameters = {{kBytes, "input"}};
  if (gated) {
    plan.parameters.push_back({kBytes, "gate"});
    plan.parameters.push_back({kBytes, "up"});
    step.arguments = {"input", "gate", "up", "rows"};
  } else {
    plan.parameters.push_back({kBytes, "weight"});
    step.arguments = {"input", "weight", "rows"};
  }
  if (request.residual)
    plan.parameters.push_back({kFloats, "residual"});
  plan.parameters.push_back({kResult, "result"});
  step.arguments.push_back(request.residual ? "residual" : "nullptr");
  step.arguments.push_back("result");
  plan.steps.push_back(std::move(step));
  return plan;
}

std::string expertsClass(const Request &request) {
  return fmt::format("strata::Experts<{}, {}, {}, {}, {}>", request.experts, request.expertsUsed, request.columns,
                     request.width, request.sharedWidth);
}

Plan expertsOfStep(const Request &request) {
  bool shared = request.sharedWidth > 0;
  std::string place = request.expertTable ? "strata::TabledExperts" : "strata::ContiguousExperts";
  Plan plan;
  Step step;
  if (request.operation == Operation::experts_gate_up) {
    Encoding routed = request.weights[0], other = shared ? request.weights[2] : routed;
    std::string activation = activationClass(request.activations, routed);
    const Schedule &schedule = request.schedules.front(), &sharedSchedule = request.schedules.back();
    step = {"expertsGateUp", {"ExpertsStep.cuh"}, "", {}};
    step.callee = fmt::format("strata::expertsGateUp<{}, {}, {}, {}, {}, {}, {}, {}, {}>", weightClass(routed),
                              weightClass(request.weights[1]), weightClass(other),
                              weightClass(shared ? request.weights[3] : request.weights[1]), activation,
                              expertsClass(request), schedule.rows, sharedSchedule.rows, place);
    step.arguments = {"input", "ids", "gate", "up", shared ? "sharedGate" : "nullptr", shared ? "sharedUp" : "nullptr",
                      "result"};
    step.gridX = request.expertsUsed * ceilDivide(request.width, fewTile(routed, request.columns, schedule)) +
                 (shared ? ceilDivide(request.sharedWidth, fewTile(other, request.columns, sharedSchedule)) : 0);
    plan.parameters = {{kBytes, "input"}, {kIntegers, "ids"}, {kBytes, "gate"}, {kBytes, "up"}};
    if (shared)
      plan.parameters.insert(plan.parameters.end(), {{kBytes, "sharedGate"}, {kBytes, "sharedUp"}});
    plan.parameters.push_back({kResult, "result"});
  } else {
    Encoding routed = request.weights[0], other = shared ? request.weights[1] : routed;
    std::string activation = activationClass(request.activations, routed);
    step = {"expertsDown", {"ExpertsStep.cuh"}, "", {}};
    const Schedule &schedule = request.schedules[0];
    step.callee = fmt::format("strata::expertsDown<{}, {}, {}, {}, epilogue, {}, {}>", weightClass(routed),
                              weightClass(other), activation, expertsClass(request), schedule.rows, place);
    step.arguments = {"input", "ids", "weights", "down", shared ? "sharedDown" : "nullptr", "residual", "result"};
    step.epilogue = true;
    step.resultColumns = request.columns;
    step.gridX = ceilDivide(request.columns, fewTile(routed, request.width, schedule));
    plan.parameters = {{kBytes, "input"}, {kIntegers, "ids"}, {kFloats, "weights"}, {kBytes, "down"}};
    if (shared)
      plan.parameters.push_back({kBytes, "sharedDown"});
    plan.parameters.insert(plan.parameters.end(), {{kFloats, "residual"}, {kResult, "result"}});
  }
  plan.steps.push_back(std::move(step));
  return plan;
}

} // namespace strata::kernels::detail
