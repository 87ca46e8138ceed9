// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Result types, folders and names of values. Verifiers are in MoeVerifiers.cpp, structure in MoeStructureOps.cpp.

#include "dialects/Moe/MoeOps.h"

#include "dialects/Moe/MoeAssembly.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "dialects/Moe/MoeOps.cpp.inc"

namespace strata::moe {

//===-- Result types ----------------------------------------------------------------------------------------------===//
// They are made of operand shapes even where those contradict each other: that is for verifiers to say.

/// Heads times columns. Shapes come from files: a product that does not fit is as large as can be, and fits nothing.
static int64_t timesSaturated(int64_t a, int64_t b) {
  return llvm::MulOverflow(a, b, a) ? std::numeric_limits<int64_t>::max() : a;
}

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

LogicalResult DequantOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get(tensorType(adaptor.getWeight()).getShape(), Float32Type::get(context)));
  return success();
}

LogicalResult EmbedOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  types.push_back(rowsType(context, columnsOf(tensorType(adaptor.getWeight()))));
  return success();
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  types.push_back(rowsType(context, tensorType(adaptor.getWeight()).getDimSize(0)));
  return success();
}

LogicalResult DequantMatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  types.push_back(rowsType(context, tensorType(adaptor.getWeight()).getDimSize(0)));
  return success();
}

LogicalResult GatedMatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(rowsType(context, tensorType(adaptor.getGate()).getDimSize(0)));
  return success();
}

/// [T, H*N] of a weight [H, N, K].
static Type headRows(Value weight) {
  RankedTensorType type = tensorType(weight);
  return rowsType(type.getContext(), timesSaturated(type.getDimSize(0), type.getDimSize(1)));
}

LogicalResult HeadMatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(headRows(adaptor.getWeight()));
  return success();
}

LogicalResult DequantHeadMatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                    SmallVectorImpl<Type> &types) {
  types.push_back(headRows(adaptor.getWeight()));
  return success();
}

LogicalResult MlaOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(headRows(adaptor.getVB()));
  return success();
}

LogicalResult QueryRopeOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  // Both from the attributes: the verifier compares their sum with the query's columns.
  types.push_back(rowsType(context, timesSaturated(adaptor.getHeads(), adaptor.getNope())));
  types.push_back(rowsType(context, timesSaturated(adaptor.getHeads(), 2 * adaptor.getFrequencies().size())));
  return success();
}

LogicalResult RouteOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  int64_t used = adaptor.getExpertsUsed();
  types.push_back(RankedTensorType::get({ShapedType::kDynamic, used}, IntegerType::get(context, 32)));
  types.push_back(rowsType(context, used));
  return success();
}

LogicalResult GroupedExpertsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

//===-- Folders ---------------------------------------------------------------------------------------------------===//

OpFoldResult DequantOp::fold(FoldAdaptor) {
  // f32 is its own decoded form.
  return getWeight().getType() == getType() ? getWeight() : OpFoldResult();
}

//===-- Names of values -------------------------------------------------------------------------------------------===//

void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  // "blk.3.ffn_down.weight" is %ffn_down.
  StringRef name = getName();
  name = name.rsplit('.').first;
  setName(getResult(), name.contains('.') ? name.rsplit('.').second : name);
}

void QueryRopeOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getNopeQuery(), "nope");
  setName(getRopeQuery(), "rope");
}

void RouteOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getIds(), "ids");
  setName(getWeights(), "weights");
}

} // namespace strata::moe
