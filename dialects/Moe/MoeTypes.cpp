// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Moe/MoeTypes.h"

#include "dialects/Moe/MoeDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#define GET_TYPEDEF_CLASSES
#include "dialects/Moe/MoeTypes.cpp.inc"

namespace strata::moe {

void MoeDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Moe/MoeTypes.cpp.inc"
      >();
}

LogicalResult KvType::verify(function_ref<InFlightDiagnostic()> emitError, uint32_t latent, uint32_t rope) {
  if (latent == 0)
    return emitError() << "a cache needs at least one latent number per position";
  if (rope == 0 || rope % 2 != 0)
    return emitError() << "the rotated numbers (" << rope << ") must be pairs, at least one";
  return success();
}

std::optional<Encoding> encodingOf(Type elementType) {
  return llvm::TypeSwitch<Type, std::optional<Encoding>>(elementType)
      .Case([](Q4_0Type) { return Encoding::Q4_0; })
      .Case([](Q4_1Type) { return Encoding::Q4_1; })
      .Case([](Q8_0Type) { return Encoding::Q8_0; })
      .Case([](Q6_KType) { return Encoding::Q6_K; })
      .Case([](Float32Type) { return Encoding::F32; })
      .Case([](Float16Type) { return Encoding::F16; })
      .Case([](BFloat16Type) { return Encoding::BF16; })
      .Default([](Type) { return std::nullopt; });
}

Type elementTypeOf(Encoding encoding, MLIRContext *context) {
  switch (encoding) {
  case Encoding::Q4_0:
    return Q4_0Type::get(context);
  case Encoding::Q4_1:
    return Q4_1Type::get(context);
  case Encoding::Q8_0:
    return Q8_0Type::get(context);
  case Encoding::Q6_K:
    return Q6_KType::get(context);
  case Encoding::F32:
    return Float32Type::get(context);
  case Encoding::F16:
    return Float16Type::get(context);
  case Encoding::BF16:
    return BFloat16Type::get(context);
  default:
    return nullptr;
  }
}

Checked encodedBytes(RankedTensorType weight) {
  std::optional<Encoding> encoding = encodingOf(weight.getElementType());
  if (!encoding || !weight.hasStaticShape() || weight.getRank() == 0)
    return Checked(-1);
  Checked rows = 1;
  for (int64_t dimension : weight.getShape().drop_back())
    rows *= dimension;
  return encodedBytes(*encoding, weight.getShape().back(), rows);
}

static bool isRowsOf(Type type, llvm::function_ref<bool(Type)> isElement) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.isDynamicDim(0) && tensor.getDimSize(1) > 0 &&
         isElement(tensor.getElementType());
}

bool isRows(Type type) {
  return isRowsOf(type, [](Type element) { return element.isF32(); });
}

bool isIds(Type type) {
  return isRowsOf(type, [](Type element) { return element.isSignlessInteger(32); });
}

bool isTokens(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 1 && tensor.isDynamicDim(0) && tensor.getElementType().isSignlessInteger(32);
}

bool isWeight(Type type, int64_t rank) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 && (rank == 0 || tensor.getRank() == rank) &&
         llvm::all_of(tensor.getShape(), [](int64_t size) { return size > 0; }) && encodingOf(tensor.getElementType());
}

bool isF32Weight(Type type, int64_t rank) {
  return isWeight(type, rank) && cast<RankedTensorType>(type).getElementType().isF32();
}

RankedTensorType rowsType(MLIRContext *context, int64_t columns) {
  return RankedTensorType::get({ShapedType::kDynamic, columns}, Float32Type::get(context));
}

int64_t columnsOf(RankedTensorType type) {
  return type.getShape().back();
}

} // namespace strata::moe
