// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How often each expert was used: a counter per expert (docs/routing-traces.md).
#pragma once

#include "runtime/Routing/RoutingTrace.h"

namespace strata {

/// Generated tokens only: in a prompt every expert is read once, however many tokens use it.
struct UsageCounts {
  RoutingShape shape;
  uint64_t tokens = 0;
  std::vector<uint64_t> counts; ///< By layer that has experts, then expert.

  /// Counts one token's choices. Counters stay at their largest value.
  void add(std::span<const uint16_t> choices);
  /// Adds another's counts of the same shape.
  void add(const UsageCounts &other);
};

UsageCounts noUsage(const RoutingShape &shape);
/// Of a trace's generated tokens.
UsageCounts countTrace(const RoutingTrace &trace);

std::vector<std::byte> encodeUsage(const UsageCounts &usage);

/// Exit code 1 for what is no usage file, with `name` in the sentence.
Result<UsageCounts> decodeUsage(std::span<const std::byte> bytes, std::string_view name);

} // namespace strata
