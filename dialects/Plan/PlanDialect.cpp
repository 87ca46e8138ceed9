// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Plan/PlanOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata::plan;

#include "dialects/Plan/PlanDialect.cpp.inc"
#include "dialects/Plan/PlanEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/PlanAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Plan/PlanTypes.cpp.inc"

namespace {

/// Frequencies make some parameters long, and every layer has the same: they get a name at the beginning of the text.
struct PlanAsmInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Attribute attribute, llvm::raw_ostream &stream) const override {
    if (isa<RopeParametersAttr>(attribute))
      stream << "rope";
    else if (isa<KvAppendParametersAttr>(attribute))
      stream << "kv_append";
    else
      return AliasResult::NoAlias;
    return AliasResult::OverridableAlias;
  }
};

} // namespace

void PlanDialect::initialize() {
  addInterfaces<PlanAsmInterface>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Plan/PlanAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Plan/PlanTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Plan/PlanOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

ArrayRef<StringRef> SizesAttr::getNames(size_t count) {
  static constexpr StringRef kOne[] = {"all"};
  static constexpr StringRef kKv[] = {"f16", "f32"};
  static constexpr StringRef kActivations[] = {"i8", "i16", "f32"};
  return count == 1 ? ArrayRef(kOne) : count == 2 ? ArrayRef(kKv) : ArrayRef(kActivations);
}

Attribute SizesAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringRef> names;
  SmallVector<int64_t> values;
  SMLoc start = parser.getCurrentLocation();
  auto parseSize = [&]() {
    return failure(parser.parseKeyword(&names.emplace_back()) || parser.parseEqual() ||
                   parser.parseInteger(values.emplace_back()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parseSize))
    return {};
  if (names.empty() || names.size() > 3 || ArrayRef(names) != getNames(names.size())) {
    parser.emitError(start, "sizes must be for i8, i16, f32, or for f16, f32, or for all, in this order");
    return {};
  }
  return parser.getChecked<SizesAttr>(start, parser.getContext(), values);
}

void SizesAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(llvm::zip(getNames(getValues().size()), getValues()), printer,
                        [&](auto pair) { printer << std::get<0>(pair) << " = " << std::get<1>(pair); });
  printer << ">";
}

LogicalResult SizesAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> values) {
  if (values.empty() || values.size() > 3)
    return emitError() << "expected one, two or three sizes, got " << values.size();
  for (int64_t value : values)
    if (value < 0)
      return emitError() << "a size must not be negative, got " << value;
  return success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError, Rows, int64_t columns, Element element) {
  if (columns <= 0)
    return emitError() << "a buffer must have columns, got " << columns;
  if (element == Element::activation && columns % kActivationBlock != 0)
    return emitError() << "activations are quantised in blocks of " << kActivationBlock << ", but a row has " << columns
                       << " columns";
  return success();
}

LogicalResult KvType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t latent, int64_t rope) {
  if (latent <= 0 || rope <= 0)
    return emitError() << "a KV cache must have latent and rotated numbers, got " << latent << " and " << rope;
  return success();
}
