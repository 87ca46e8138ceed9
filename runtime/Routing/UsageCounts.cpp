// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/UsageCounts.h"

#include <fmt/format.h>
#include <limits>

namespace strata {

static void addSaturated(uint64_t &sum, uint64_t more) {
  if (__builtin_add_overflow(sum, more, &sum))
    sum = std::numeric_limits<uint64_t>::max();
}

void UsageCounts::add(std::span<const uint16_t> choices) {
  addSaturated(tokens, 1);
  for (size_t i = 0; i < choices.size(); ++i)
    addSaturated(counts[i / shape.expertsUsed * shape.experts + choices[i]], 1);
}

void UsageCounts::add(const UsageCounts &other) {
  addSaturated(tokens, other.tokens);
  for (size_t i = 0; i < counts.size(); ++i)
    addSaturated(counts[i], other.counts[i]);
}

UsageCounts noUsage(const RoutingShape &shape) {
  return {shape, 0, std::vector<uint64_t>(shape.counters())};
}

UsageCounts countTrace(const RoutingTrace &trace) {
  UsageCounts usage = noUsage(trace.shape);
  size_t choices = trace.shape.choicesPerToken();
  for (const TraceSegment &segment : trace.segments)
    if (segment.phase == RoutingPhase::Generated)
      for (size_t first = 0; first < segment.ids.size(); first += choices)
        usage.add(std::span(segment.ids).subspan(first, choices));
  return usage;
}

std::vector<std::byte> encodeUsage(const UsageCounts &usage) {
  std::vector<std::byte> bytes;
  appendHeader(bytes, kUsageIdentifier, usage.shape);
  appendNumber(bytes, usage.tokens);
  for (uint64_t count : usage.counts)
    appendNumber(bytes, count);
  appendHash(bytes);
  return bytes;
}

Result<UsageCounts> decodeUsage(std::span<const std::byte> bytes, std::string_view name) {
  STRATA_ASSIGN(RoutingContent content, openRouting(bytes, kUsageIdentifier, name));
  size_t expected = (content.shape.counters() + 1) * sizeof(uint64_t);
  if (content.body.size() != expected)
    return fail(
        ExitCode::Input, "",
        fmt::format("\"{}\" is a usage file with {} bytes of counters, and its {} experts take {}; remove it and "
                    "count again",
                    escapeName(name), content.body.size(), content.shape.counters(), expected));
  UsageCounts usage = noUsage(content.shape);
  usage.tokens = numberAt<uint64_t>(content.body);
  for (size_t i = 0; i < usage.counts.size(); ++i) {
    usage.counts[i] = numberAt<uint64_t>(content.body.subspan((i + 1) * sizeof(uint64_t)));
    if (usage.counts[i] > usage.tokens)
      return fail(ExitCode::Input, "",
                  fmt::format("\"{}\" is a usage file in which an expert is used {} times by {} tokens; remove it and "
                              "count again",
                              escapeName(name), usage.counts[i], usage.tokens));
  }
  return usage;
}

} // namespace strata
