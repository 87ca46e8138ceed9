// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Plan/PlanOps.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace strata::plan;

ExpertSetAttr ExpertSetAttr::of(MLIRContext *context, const std::vector<bool> &members) {
  SmallVector<int32_t> bounds;
  for (size_t i = 0; i < members.size(); ++i) {
    if (!members[i])
      continue;
    if (i != 0 && members[i - 1])
      bounds.back() = int32_t(i);
    else
      bounds.append(2, int32_t(i));
  }
  return get(context, ArrayRef<int32_t>(bounds));
}

SmallVector<std::pair<int32_t, int32_t>> ExpertSetAttr::getRanges() const {
  SmallVector<std::pair<int32_t, int32_t>> ranges;
  for (size_t i = 0; i < getBounds().size(); i += 2)
    ranges.emplace_back(getBounds()[i], getBounds()[i + 1]);
  return ranges;
}

uint64_t ExpertSetAttr::size() const {
  uint64_t count = 0;
  for (auto [first, last] : getRanges())
    count += uint64_t(last) - first + 1;
  return count;
}

bool ExpertSetAttr::contains(int64_t expert) const {
  return llvm::any_of(getRanges(), [&](auto range) { return range.first <= expert && expert <= range.second; });
}

bool ExpertSetAttr::within(ExpertSetAttr other) const {
  // Neighbours are in one range, so that a range of a subset lies in one range of the whole.
  return llvm::all_of(getRanges(), [&](auto range) {
    return llvm::any_of(other.getRanges(),
                        [&](auto outer) { return outer.first <= range.first && range.second <= outer.second; });
  });
}

Attribute ExpertSetAttr::parse(AsmParser &parser, Type) {
  SmallVector<int32_t> bounds;
  SMLoc start = parser.getCurrentLocation();
  auto parseRange = [&]() -> ParseResult {
    int32_t first = 0, last = 0;
    if (parser.parseInteger(first))
      return failure();
    last = first;
    if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseInteger(last))
      return failure();
    bounds.append({first, last});
    return success();
  };
  if (parser.parseLess())
    return {};
  if (failed(parser.parseOptionalGreater()) && (parser.parseCommaSeparatedList(parseRange) || parser.parseGreater()))
    return {};
  return parser.getChecked<ExpertSetAttr>(start, parser.getContext(), ArrayRef<int32_t>(bounds));
}

void ExpertSetAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getRanges(), printer, [&](auto range) {
    printer << range.first;
    if (range.second != range.first)
      printer << " to " << range.second;
  });
  printer << ">";
}

LogicalResult ExpertSetAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int32_t> bounds) {
  if (bounds.size() % 2 != 0)
    return emitError() << "a set of experts has a first and a last number for every range";
  for (size_t i = 0; i < bounds.size(); i += 2) {
    if (bounds[i] < 0 || bounds[i + 1] < bounds[i])
      return emitError() << "a range of experts cannot be from " << bounds[i] << " to " << bounds[i + 1];
    if (i != 0 && bounds[i] <= int64_t(bounds[i - 1]) + 1)
      return emitError() << "ranges of experts must ascend, and neighbours be one: " << bounds[i] << " stands after "
                         << bounds[i - 1];
  }
  return success();
}
