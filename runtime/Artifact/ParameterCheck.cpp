// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/ParameterCheck.h"

#include "runtime/Artifact/Checks.h"

#include <fmt/format.h>

namespace strata::artifact {
namespace {

/// Positions per block of docs/numbers.md: splits are made of whole ones.
constexpr uint32_t kBlockPositions = 64;

/// Empty if all is well, else what is wrong.
using Complaint = std::string;

Complaint complainAboutFrequencies(const flatbuffers::Vector<float> &frequencies, uint64_t rope) {
  if (uint64_t(frequencies.size()) * 2 == rope)
    return {};
  return fmt::format("it has {} frequencies for {} rotated numbers", frequencies.size(), rope);
}

Complaint complainAboutAttention(const schema::AttentionParameters &parameters, schema::Operation operation) {
  if (parameters.heads() == 0)
    return "it has no heads";
  bool splits = operation != schema::Operation::attention;
  if (splits && (parameters.split_positions() == 0 || parameters.split_positions() % kBlockPositions != 0))
    return fmt::format("its splits of {} positions are no multiple of {}", parameters.split_positions(),
                       kBlockPositions);
  return {};
}

/// Choosing must be possible: from the groups left there must be enough experts, and a group's score is a sum of two.
Complaint complainAboutRoute(const schema::RouteParameters &parameters, uint64_t experts) {
  uint64_t groups = parameters.groups(), groupsUsed = parameters.groups_used(), used = parameters.experts_used();
  if (groups == 0 || experts % groups != 0 || groupsUsed == 0 || groupsUsed > groups)
    return fmt::format("{} of {} groups cannot be chosen among {} experts", groupsUsed, groups, experts);
  if (groups > 1 && experts / groups < 2)
    return fmt::format("its groups of {} expert have no two scores", experts / groups);
  if (used == 0 || used > experts / groups * groupsUsed)
    return fmt::format("{} experts cannot be chosen among {}", used, experts / groups * groupsUsed);
  return {};
}

Complaint complainAboutExperts(const schema::ExpertParameters &parameters) {
  if (parameters.experts_used() == 0 || parameters.experts_used() > parameters.experts())
    return fmt::format("it uses {} of {} experts", parameters.experts_used(), parameters.experts());
  return {};
}

Complaint complain(const schema::Artifact &artifact, const schema::Program &program, const schema::Dispatch &dispatch) {
  uint64_t rope = artifact.kv()->rope();
  if (const auto *parameters = dispatch.parameters_as_RopeParameters())
    return complainAboutFrequencies(*parameters->frequencies(), rope);
  if (const auto *parameters = dispatch.parameters_as_KvAppendParameters())
    return complainAboutFrequencies(*parameters->frequencies(), rope);
  if (const auto *parameters = dispatch.parameters_as_AttentionParameters())
    return complainAboutAttention(*parameters, dispatch.operation());
  if (const auto *parameters = dispatch.parameters_as_RouteParameters())
    return complainAboutRoute(*parameters, program.values()->Get(dispatch.reads()->Get(0)->index())->columns());
  if (const auto *parameters = dispatch.parameters_as_ExpertParameters())
    return complainAboutExperts(*parameters);
  return {};
}

} // namespace

Result<void> checkParameters(const schema::Artifact &artifact, const schema::Program &program,
                             const schema::Block &block, const schema::Dispatch &dispatch) {
  Complaint complaint = complain(artifact, program, dispatch);
  if (complaint.empty())
    return {};
  return refuse("A20", fmt::format("{}: {}", describe(program, block, dispatch), complaint));
}

} // namespace strata::artifact
