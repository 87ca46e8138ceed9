// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/RoutingTrace.h"

#include "runtime/Base/Checked.h"

#include <fmt/format.h>

namespace strata {

static constexpr size_t kSegmentBytes = 16;

/// Numbers below 256 take a byte, others two.
static size_t idBytes(const RoutingShape &shape) {
  return shape.experts <= 256 ? 1 : 2;
}

uint64_t RoutingTrace::tokens(RoutingPhase phase) const {
  uint64_t sum = 0;
  for (const TraceSegment &segment : segments)
    sum += segment.phase == phase ? tokens(segment) : 0;
  return sum;
}

std::vector<std::byte> encodeTrace(const RoutingTrace &trace) {
  std::vector<std::byte> bytes;
  appendHeader(bytes, kTraceIdentifier, trace.shape);
  for (const TraceSegment &segment : trace.segments) {
    appendNumber(bytes, static_cast<uint32_t>(segment.phase));
    appendNumber(bytes, segment.sequence);
    appendNumber(bytes, segment.firstPosition);
    appendNumber(bytes, static_cast<uint32_t>(trace.tokens(segment)));
    for (uint16_t id : segment.ids)
      if (idBytes(trace.shape) == 1)
        appendNumber(bytes, static_cast<uint8_t>(id));
      else
        appendNumber(bytes, id);
  }
  appendHash(bytes);
  return bytes;
}

namespace {

/// Reads the segments one after the other.
class TraceReader {
public:
  TraceReader(const RoutingContent &content, std::string_view fileName)
      : shape(content.shape), rest(content.body), bodyBytes(content.body.size()), name(fileName) {}

  bool atEnd() const { return rest.empty(); }
  Result<TraceSegment> segment();

private:
  tl::unexpected<Error> fault(std::string_view what) const {
    return fail(ExitCode::Input, "",
                fmt::format("\"{}\": the segment at byte {} of the routing trace {}; record it again", escapeName(name),
                            segmentStart, what));
  }
  Result<void> readIds(TraceSegment &segment, std::span<const std::byte> bytes) const;

  RoutingShape shape;
  std::span<const std::byte> rest;
  size_t bodyBytes;
  size_t segmentStart = 0;
  std::string_view name;
};

Result<TraceSegment> TraceReader::segment() {
  segmentStart = kRoutingHeaderBytes + bodyBytes - rest.size();
  if (rest.size() < kSegmentBytes)
    return fault(fmt::format("has {} bytes, fewer than its header of {}", rest.size(), kSegmentBytes));
  auto number = [&](size_t offset) { return numberAt<uint32_t>(rest.subspan(offset)); };
  if (number(0) > 1)
    return fault(fmt::format("is of phase {}, and there are 0 and 1", number(0)));
  TraceSegment segment = {static_cast<RoutingPhase>(number(0)), number(4), number(8), {}};
  uint32_t tokens = number(12);
  Checked bytes = Checked(tokens) * shape.choicesPerToken() * idBytes(shape);
  rest = rest.subspan(kSegmentBytes);
  if (!bytes.atMost(rest.size()))
    return fault(fmt::format("is to have {} tokens of {} bytes, and {} bytes are left", tokens,
                             shape.choicesPerToken() * idBytes(shape), rest.size()));
  if (bytes.value() == 0)
    return fault("has no tokens");
  STRATA_TRY(readIds(segment, rest.first(bytes.value())));
  rest = rest.subspan(bytes.value());
  return segment;
}

/// A layer's choices of one token are different experts in ascending order, as every router stores them.
Result<void> TraceReader::readIds(TraceSegment &segment, std::span<const std::byte> bytes) const {
  size_t width = idBytes(shape);
  segment.ids.reserve(bytes.size() / width);
  for (size_t offset = 0; offset < bytes.size(); offset += width) {
    uint16_t id = width == 1 ? numberAt<uint8_t>(bytes.subspan(offset)) : numberAt<uint16_t>(bytes.subspan(offset));
    if (id >= shape.experts)
      return fault(fmt::format("names expert {} of {}", id, shape.experts));
    if (segment.ids.size() % shape.expertsUsed != 0 && id <= segment.ids.back())
      return fault(fmt::format("names expert {} after {}, and a token's experts are in ascending order", id,
                               segment.ids.back()));
    segment.ids.push_back(id);
  }
  return {};
}

} // namespace

Result<RoutingTrace> decodeTrace(std::span<const std::byte> bytes, std::string_view name) {
  STRATA_ASSIGN(RoutingContent content, openRouting(bytes, kTraceIdentifier, name));
  RoutingTrace trace = {content.shape, {}};
  TraceReader reader(content, name);
  while (!reader.atEnd()) {
    STRATA_ASSIGN(TraceSegment segment, reader.segment());
    trace.segments.push_back(std::move(segment));
  }
  return trace;
}

} // namespace strata
