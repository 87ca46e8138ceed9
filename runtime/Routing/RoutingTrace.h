// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A routing trace: which experts each token used, in every layer that has some (docs/routing-traces.md).
#pragma once

#include "runtime/Routing/RoutingHeader.h"

namespace strata {

enum class RoutingPhase : uint8_t { Prompt = 0, Generated = 1 };

/// Consecutive tokens of one phase of one sequence.
struct TraceSegment {
  RoutingPhase phase = RoutingPhase::Prompt;
  uint32_t sequence = 0;
  uint32_t firstPosition = 0; ///< Of the first token; 0: a sequence starts here.
  std::vector<uint16_t> ids;  ///< By token, then layer, then choice; ascending within a layer.
};

struct RoutingTrace {
  RoutingShape shape;
  std::vector<TraceSegment> segments; ///< In the order in which they were run.

  uint64_t tokens(const TraceSegment &segment) const { return segment.ids.size() / shape.choicesPerToken(); }
  uint64_t tokens(RoutingPhase phase) const;
};

std::vector<std::byte> encodeTrace(const RoutingTrace &trace);

/// Exit code 1 for what is no trace, with `name` in the sentence.
Result<RoutingTrace> decodeTrace(std::span<const std::byte> bytes, std::string_view name);

} // namespace strata
