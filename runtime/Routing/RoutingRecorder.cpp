// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/RoutingRecorder.h"

namespace strata {

RoutingRecorder::RoutingRecorder(const RoutingShape &shape, bool keepTrace)
    : recorded{shape, {}}, counts(noUsage(shape)), keepsTrace(keepTrace) {}

void RoutingRecorder::begin(RoutingPhase phase, std::span<const int32_t> sequences,
                            std::span<const int32_t> positions) {
  Step &step = steps[static_cast<size_t>(phase)];
  step.sequences.assign(sequences.begin(), sequences.end());
  step.positions.assign(positions.begin(), positions.end());
  step.ids.assign(sequences.size() * recorded.shape.choicesPerToken(), 0);
}

void RoutingRecorder::chosen(RoutingPhase phase, uint32_t layer, uint64_t firstRow, std::span<const int32_t> ids) {
  const RoutingShape &shape = recorded.shape;
  Step &step = steps[static_cast<size_t>(phase)];
  size_t inToken = size_t{layer - shape.firstLayer} * shape.expertsUsed;
  for (size_t i = 0; i < ids.size(); ++i) {
    size_t row = firstRow + i / shape.expertsUsed;
    step.ids[row * shape.choicesPerToken() + inToken + i % shape.expertsUsed] = static_cast<uint16_t>(ids[i]);
  }
}

void RoutingRecorder::end(RoutingPhase phase) {
  const Step &step = steps[static_cast<size_t>(phase)];
  size_t choices = recorded.shape.choicesPerToken();
  for (size_t row = 0; row < step.sequences.size(); ++row) {
    std::span<const uint16_t> ids = std::span(step.ids).subspan(row * choices, choices);
    if (phase == RoutingPhase::Generated)
      counts.add(ids);
    if (keepsTrace)
      append(phase, static_cast<uint32_t>(step.sequences[row]), static_cast<uint32_t>(step.positions[row]), ids);
  }
}

void RoutingRecorder::append(RoutingPhase phase, uint32_t sequence, uint32_t position, std::span<const uint16_t> ids) {
  std::vector<TraceSegment> &segments = recorded.segments;
  bool continues = !segments.empty() && segments.back().phase == phase && segments.back().sequence == sequence &&
                   position == nextPosition && position != 0;
  if (!continues)
    segments.push_back({phase, sequence, position, {}});
  segments.back().ids.insert(segments.back().ids.end(), ids.begin(), ids.end());
  nextPosition = position + 1;
}

} // namespace strata
