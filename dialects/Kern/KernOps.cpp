// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Kern/KernOps.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace strata::kern;

#define GET_OP_CLASSES
#include "dialects/Kern/KernOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

unsigned FuncOp::getPointerCount() {
  return getBody().getNumArguments() - (getRepeat() ? 2 : 1);
}

void FuncOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  for (auto [argument, name] : llvm::zip(region.getArguments(), getNames().getAsValueRange<StringAttr>()))
    setName(argument, name);
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &state) {
  SmallVector<OpAsmParser::Argument> arguments;
  StringAttr name;
  if (parser.parseSymbolName(name, getSymNameAttrName(state.name), state.attributes) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  LaunchAttr launch;
  if (parser.parseKeyword("launch") ||
      parser.parseCustomAttributeWithFallback(launch, Type(), "launch", state.attributes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("repeat"))) {
    RepeatAttr repeat;
    if (parser.parseCustomAttributeWithFallback(repeat, Type(), "repeat", state.attributes))
      return failure();
  }
  ArrayAttr texts;
  if (parser.parseKeyword("texts") || parser.parseAttribute(texts, "texts", state.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  // The names of the arguments are the parameters' names in CUDA.
  SmallVector<StringRef> names;
  for (const OpAsmParser::Argument &argument : arguments)
    names.push_back(argument.ssaName.name.drop_front());
  state.addAttribute("names", parser.getBuilder().getStrArrayAttr(names));
  return parser.parseRegion(*state.addRegion(), arguments);
}

void FuncOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << '(';
  llvm::interleaveComma(getBody().getArguments(), printer,
                        [&](BlockArgument argument) { printer.printRegionArgument(argument); });
  printer << ") launch ";
  printer.printStrippedAttrOrType(getLaunch());
  if (RepeatAttr repeat = getRepeatAttr()) {
    printer << " repeat ";
    printer.printStrippedAttrOrType(repeat);
  }
  printer << " texts " << getTexts();
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name", "launch", "repeat", "texts", "names"});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult FuncOp::verifyRegions() {
  auto arguments = getBody().getArguments();
  size_t numbers = getRepeat() ? 2 : 1;
  if (getNames().size() != arguments.size())
    return emitOpError() << "has " << arguments.size() << " arguments and " << getNames().size() << " names";
  if (arguments.size() < numbers)
    return emitOpError("has no argument for the rows, or in a repeated launch for the segment");
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    bool isNumber = index >= arguments.size() - numbers;
    if (isNumber ? !argument.getType().isInteger(32) : !isa<PointerType>(argument.getType()))
      return emitOpError() << "argument " << index << " must be " << (isNumber ? "an i32" : "a pointer");
  }
  unsigned loops = 0;
  for (Operation &op : getBody().front()) {
    if (!isa<ConstantOp, NullOp, TableOp, MainLoopOp>(op))
      return op.emitOpError("cannot stand in a kern.func, only constants and a main loop");
    loops += isa<MainLoopOp>(op);
  }
  if (loops != 1)
    return emitOpError() << "has " << loops << " main loops instead of one";
  return success();
}

LogicalResult TableOp::verify() {
  if (getValues().empty())
    return emitOpError("has no numbers");
  if (getType() != PointerType::get(getContext(), Element::f32, Access::read))
    return emitOpError("is read as f32");
  return success();
}

//===----------------------------------------------------------------------===//
// Main loops
//===----------------------------------------------------------------------===//

void MainLoopOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  static constexpr StringRef kNames[] = {"value", "row", "column"};
  for (auto [argument, name] : llvm::zip(region.getArguments(), kNames))
    setName(argument, name);
}

ParseResult MainLoopOp::parse(OpAsmParser &parser, OperationState &state) {
  StringAttr callee;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc start = parser.getCurrentLocation();
  if (parser.parseAttribute(callee, "callee", state.attributes) ||
      parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren) || parser.parseColon() ||
      parser.parseTypeList(types) || parser.resolveOperands(operands, types, start, state.operands))
    return failure();
  Region *epilogue = state.addRegion();
  if (failed(parser.parseOptionalKeyword("epilogue")))
    return parser.parseOptionalAttrDict(state.attributes);
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<int32_t> handed;
  auto parseHanded = [&] { return parser.parseInteger(handed.emplace_back()); };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseHanded) ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren))
    return failure();
  Builder &builder = parser.getBuilder();
  state.addAttribute("handed", builder.getDenseI32ArrayAttr(handed));
  if (arguments.size() != 3)
    return parser.emitError(start, "an epilogue has a value, a row and a column");
  arguments[0].type = builder.getF32Type();
  arguments[1].type = arguments[2].type = builder.getI32Type();
  return failure(parser.parseRegion(*epilogue, arguments) || parser.parseOptionalAttrDict(state.attributes));
}

void MainLoopOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getCalleeAttr() << '(' << getOperands() << ") : ";
  llvm::interleaveComma(getOperandTypes(), printer);
  if (!getEpilogue().empty()) {
    printer << " epilogue [";
    llvm::interleaveComma(getHanded(), printer);
    printer << "] (";
    llvm::interleaveComma(getEpilogue().getArguments(), printer, [&](Value argument) { printer << argument; });
    printer << ") ";
    printer.printRegion(getEpilogue(), /*printEntryBlockArgs=*/false);
  }
  printer.printOptionalAttrDict((*this)->getAttrs(), {"callee", "handed"});
}

/// Whether the template arguments of a callee name the epilogue.
static bool namesEpilogue(StringRef callee) {
  SmallVector<StringRef> parts;
  llvm::SplitString(callee, parts, "<>, ");
  return llvm::is_contained(parts, "epilogue");
}

LogicalResult MainLoopOp::verifyRegions() {
  if (namesEpilogue(getCallee()) == getEpilogue().empty())
    return emitOpError("has an epilogue if and only if its callee names it");
  if (getEpilogue().empty())
    return success();
  auto types = getEpilogue().getArgumentTypes();
  if (types.size() != 3 || !types[0].isF32() || !types[1].isInteger(32) || !types[2].isInteger(32))
    return emitOpError("an epilogue has a value of f32, and a row and a column of i32");
  llvm::SmallDenseSet<Value> pointers;
  for (int32_t index : getHanded()) {
    if (index < 0 || size_t(index) >= getOperands().size())
      return emitOpError() << "hands operand " << index << " of " << getOperands().size() << " to its epilogue";
    pointers.insert(getOperands()[index]);
  }
  for (Operation &op : getEpilogue().front()) {
    if (!isa<LoadOp, StoreOp>(op) && op.getDialect()->getNamespace() != "arith")
      return op.emitOpError("cannot stand in an epilogue, only loads, stores and arithmetic");
    for (Value operand : op.getOperands())
      if (operand.getParentRegion() != &getEpilogue() && !pointers.contains(operand))
        return op.emitOpError("uses what the main loop does not hand to its epilogue");
  }
  return success();
}

static LogicalResult verifyElement(Operation *op, PointerType matrix, Access access, int64_t columns) {
  if (matrix.getElement() != Element::f32 || (access == Access::write && matrix.getAccess() != access))
    return op->emitOpError() << "needs a pointer to f32" << (access == Access::write ? " that is written" : "");
  if (columns <= 0)
    return op->emitOpError() << "a matrix has columns, got " << columns;
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyElement(*this, getMatrix().getType(), Access::read, getColumns());
}

LogicalResult StoreOp::verify() {
  return verifyElement(*this, getMatrix().getType(), Access::write, getColumns());
}
