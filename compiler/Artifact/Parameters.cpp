// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"

#include "llvm/ADT/TypeSwitch.h"

namespace strata {

static float value(mlir::FloatAttr attribute) {
  return static_cast<float>(attribute.getValueAsDouble());
}

static std::vector<float> values(mlir::DenseF32ArrayAttr attribute) {
  return attribute.asArrayRef().vec();
}

schema::ParametersUnion parametersOf(plan::DispatchOp dispatch) {
  schema::ParametersUnion parameters;
  mlir::Attribute attribute = dispatch.getParametersAttr();
  if (!attribute) {
    parameters.Set(schema::NoParametersT{});
    return parameters;
  }
  llvm::TypeSwitch<mlir::Attribute>(attribute)
      .Case([&](plan::NormParametersAttr norm) {
        schema::NormParametersT table;
        table.epsilon = value(norm.getEpsilon());
        parameters.Set(std::move(table));
      })
      .Case([&](plan::RopeParametersAttr rope) {
        schema::RopeParametersT table;
        table.heads = rope.getHeads();
        table.nope = rope.getNope();
        table.frequencies = values(rope.getFrequencies());
        table.magnitude = value(rope.getMagnitude());
        parameters.Set(std::move(table));
      })
      .Case([&](plan::KvAppendParametersAttr append) {
        schema::KvAppendParametersT table;
        table.epsilon = value(append.getEpsilon());
        table.frequencies = values(append.getFrequencies());
        table.magnitude = value(append.getMagnitude());
        parameters.Set(std::move(table));
      })
      .Case([&](plan::AttentionParametersAttr attention) {
        schema::AttentionParametersT table;
        table.heads = attention.getHeads();
        table.scale = value(attention.getScale());
        table.split_positions = attention.getSplitPositions();
        parameters.Set(std::move(table));
      })
      .Case([&](plan::HeadParametersAttr head) {
        schema::HeadParametersT table;
        table.heads = head.getHeads();
        parameters.Set(std::move(table));
      })
      .Case([&](plan::RouteParametersAttr route) {
        schema::RouteParametersT table;
        table.gate = mirror<schema::Gate>(route.getGate());
        table.groups = route.getGroups();
        table.groups_used = route.getGroupsUsed();
        table.experts_used = route.getExpertsUsed();
        table.scale = value(route.getScale());
        table.normalise = route.getNormalise().getValue();
        parameters.Set(std::move(table));
      })
      .Case([&](plan::ExpertParametersAttr expert) {
        schema::ExpertParametersT table;
        table.experts = expert.getExperts();
        table.experts_used = expert.getExpertsUsed();
        table.width = expert.getWidth();
        table.shared_width = expert.getSharedWidth();
        parameters.Set(std::move(table));
      });
  return parameters;
}

} // namespace strata
