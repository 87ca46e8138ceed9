// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Makes a trace and counts out of what the router of a running model chooses.
#pragma once

#include "runtime/Routing/UsageCounts.h"

#include <array>

namespace strata {

/// Steps of the two phases may be under way at one time; each is told of its beginning, then of the choices of every
/// layer in pieces, then of its end. A step that begins again was given up before its end and leaves nothing.
class RoutingRecorder {
public:
  /// `keepTrace`: false counts only.
  RoutingRecorder(const RoutingShape &shape, bool keepTrace);

  void begin(RoutingPhase phase, std::span<const int32_t> sequences, std::span<const int32_t> positions);
  /// `ids` are those of rows from `firstRow` on, in `layer` of the model.
  void chosen(RoutingPhase phase, uint32_t layer, uint64_t firstRow, std::span<const int32_t> ids);
  void end(RoutingPhase phase);

  const RoutingTrace &trace() const { return recorded; }
  const UsageCounts &usage() const { return counts; }

private:
  struct Step {
    std::vector<int32_t> sequences, positions; ///< By row.
    std::vector<uint16_t> ids;                 ///< By row, layer, choice.
  };
  void append(RoutingPhase phase, uint32_t sequence, uint32_t position, std::span<const uint16_t> ids);

  RoutingTrace recorded;
  UsageCounts counts;
  bool keepsTrace;
  std::array<Step, 2> steps; ///< By RoutingPhase.
  uint32_t nextPosition = 0; ///< That continues the last segment.
};

} // namespace strata
