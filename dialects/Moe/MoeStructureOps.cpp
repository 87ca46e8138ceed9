// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Models, layers and blocks: how they are printed, built and verified.

#include "dialects/Moe/MoeAssembly.h"
#include "dialects/Moe/MoeOps.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace strata::moe {

//===-- Syntax ----------------------------------------------------------------------------------------------------===//

ParseResult parseSignatureAndBody(OpAsmParser &parser, Region &body) {
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren, /*allowType=*/true))
    return failure();
  return parser.parseRegion(body, arguments, /*enableNameShadowing=*/true);
}

void printSignatureAndBody(OpAsmPrinter &printer, Operation *, Region &body) {
  printer << "(";
  llvm::interleaveComma(body.getArguments(), printer,
                        [&](BlockArgument argument) { printer.printRegionArgument(argument); });
  printer << ") ";
  printer.printRegion(body, /*printEntryBlockArgs=*/false);
}

ParseResult parseLayerBody(OpAsmParser &parser, Region &body, Type &inputType) {
  SMLoc location = parser.getCurrentLocation();
  if (parseSignatureAndBody(parser, body))
    return failure();
  if (body.empty() || body.getNumArguments() == 0)
    return parser.emitError(location, "a layer's body has arguments: the residual stream, positions and the cache");
  inputType = body.getArgument(0).getType();
  return success();
}

void printLayerBody(OpAsmPrinter &printer, Operation *op, Region &body, Type) {
  printSignatureAndBody(printer, op, body);
}

//===-- Bodies ----------------------------------------------------------------------------------------------------===//

/// Names for what the arguments stand for; an invalid body may have fewer or more of them.
static void nameArguments(Region &region, ArrayRef<StringLiteral> names, OpAsmSetValueNameFn setName) {
  for (auto [argument, name] : llvm::zip(region.getArguments(), names))
    setName(argument, name);
}

static constexpr StringLiteral kModelArguments[] = {"tokens", "positions"};
static constexpr StringLiteral kLayerArguments[] = {"x", "positions", "kv"};

/// (rows, positions, cache), and what is yielded has the type of the rows.
static LogicalResult verifyLayerBody(Operation *op, Region &body) {
  Block &block = body.front();
  if (block.getNumArguments() != 3 || !isRows(block.getArgument(0).getType()) ||
      !isa<PositionsType>(block.getArgument(1).getType()) || !isa<KvType>(block.getArgument(2).getType()))
    return op->emitOpError("body takes (tensor<?xExf32>, !moe.positions, !moe.kv)");
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield)
    return op->emitOpError("body must end in 'moe.yield'");
  if (yield.getValue().getType() != block.getArgument(0).getType())
    return op->emitOpError() << "yields " << yield.getValue().getType() << ", but its body takes "
                             << block.getArgument(0).getType();
  return success();
}

//===-- Model -----------------------------------------------------------------------------------------------------===//

void ModelOp::build(OpBuilder &builder, OperationState &state, StringRef name, HyperParametersAttr hyperParameters) {
  state.getOrAddProperties<Properties>().setSymName(builder.getStringAttr(name));
  state.getOrAddProperties<Properties>().setHyperParameters(hyperParameters);
  Region *body = state.addRegion();
  Block &block = body->emplaceBlock();
  block.addArgument(RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type()), state.location);
  block.addArgument(PositionsType::get(builder.getContext()), state.location);
}

void ModelOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameArguments(region, kModelArguments, setName);
}

LogicalResult ModelOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getNumArguments() != 2 || !isTokens(block.getArgument(0).getType()) ||
      !isa<PositionsType>(block.getArgument(1).getType()))
    return emitOpError("body takes (tensor<?xi32>, !moe.positions)");
  auto end = dyn_cast<ReturnOp>(block.back());
  if (!end)
    return emitOpError("body must end in 'moe.return'");
  int64_t columns = columnsOf(end.getValue().getType());
  int64_t vocabulary = getHyperParameters().getVocabulary();
  if (columns != vocabulary)
    return emitOpError() << "returns rows of " << columns << " logits, but its vocabulary has " << vocabulary
                         << " tokens";
  return success();
}

//===-- Layer, block
//------------------------------------------------------------------------------------------------===//

void LayerOp::build(OpBuilder &builder, OperationState &state, uint32_t index, Value input, Value positions,
                    KvType kv) {
  state.addOperands({input, positions});
  state.getOrAddProperties<Properties>().setIndex(builder.getI32IntegerAttr(index));
  state.addTypes(input.getType());
  Block &block = state.addRegion()->emplaceBlock();
  block.addArgument(input.getType(), state.location);
  block.addArgument(positions.getType(), state.location);
  block.addArgument(kv, state.location);
}

void LayerOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameArguments(region, kLayerArguments, setName);
}

LogicalResult LayerOp::verifyRegions() {
  if (failed(verifyLayerBody(*this, getBody())))
    return failure();
  // Only builders can get here: the syntax has one type for both.
  if (getBodyInput().getType() != getInput().getType())
    return emitOpError() << "is given " << getInput().getType() << ", but its body takes " << getBodyInput().getType();
  return success();
}

void BlockOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  nameArguments(region, kLayerArguments, setName);
}

LogicalResult BlockOp::verifyRegions() {
  return verifyLayerBody(*this, getBody());
}

LogicalResult LayersOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto block = symbolTable.lookupNearestSymbolFrom<BlockOp>(*this, getBlockAttr());
  if (!block)
    return emitOpError() << "runs " << getBlockAttr() << ", which is no 'moe.block'";
  if (block.getBodyInput().getType() != getInput().getType())
    return emitOpError() << "is given " << getInput().getType() << ", but " << getBlockAttr() << " takes "
                         << block.getBodyInput().getType();
  return success();
}

} // namespace strata::moe
