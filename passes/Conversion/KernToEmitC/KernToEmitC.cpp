// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/KernToEmitC/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

namespace strata {
#define GEN_PASS_DEF_CONVERTKERNTOEMITC
#include "passes/Conversion/KernToEmitC/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::kern;

namespace {

class ConvertKernToEmitC : public strata::impl::ConvertKernToEmitCBase<ConvertKernToEmitC> {
public:
  using ConvertKernToEmitCBase::ConvertKernToEmitCBase;
  void runOnOperation() override;

private:
  LogicalResult convert(FuncOp function);
  LogicalResult emitEpilogue(FuncOp function, MainLoopOp loop, OpBuilder &builder);
  LogicalResult emitEpilogueOp(Operation &op, IRMapping &values, OpBuilder &builder);
  void emitTable(TableOp table, OpBuilder &builder);
  LogicalResult emitEntry(FuncOp function, MainLoopOp loop, OpBuilder &builder);
};

/// A type as CUDA writes it.
Type cudaType(Type type) {
  MLIRContext *context = type.getContext();
  auto pointer = dyn_cast<PointerType>(type);
  if (!pointer)
    return type.isF32() ? type : Type(emitc::OpaqueType::get(context, "unsigned"));
  StringRef element = pointer.getElement() == Element::f32   ? "float"
                      : pointer.getElement() == Element::i32 ? "int"
                                                             : "unsigned char";
  std::string text = (pointer.getAccess() == Access::read ? "const " : "") + element.str();
  return emitc::PointerType::get(emitc::OpaqueType::get(context, text));
}

/// A literal that is this f32 and no other.
std::string literal(float value) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::format("%.9g", double(value));
  if (text.find_first_of(".en") == std::string::npos)
    text += ".0";
  return text + "f";
}

} // namespace

void ConvertKernToEmitC::emitTable(TableOp table, OpBuilder &builder) {
  std::string text = "static __device__ const float frequencies[" + std::to_string(table.getValues().size()) + "] = {";
  llvm::raw_string_ostream stream(text);
  llvm::interleave(table.getValues(), stream, [&](float value) { stream << literal(value); }, ", ");
  stream << "};";
  emitc::VerbatimOp::create(builder, table.getLoc(), text, ValueRange());
}

LogicalResult ConvertKernToEmitC::emitEpilogueOp(Operation &op, IRMapping &values, OpBuilder &builder) {
  Location location = op.getLoc();
  auto binary = [&](auto tag) {
    using Op = decltype(tag);
    values.map(op.getResult(0), Op::create(builder, location, builder.getF32Type(), values.lookup(op.getOperand(0)),
                                           values.lookup(op.getOperand(1))));
    return success();
  };
  auto columns = [&](int64_t count) { return "<" + std::to_string(count) + ">"; };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](LoadOp load) {
        auto call = emitc::CallOpaqueOp::create(
            builder, location, builder.getF32Type(), "strata::loadAt" + columns(load.getColumns()),
            ValueRange{values.lookup(load.getMatrix()), values.lookup(load.getRow()), values.lookup(load.getColumn())});
        values.map(load.getResult(), call.getResult(0));
        return success();
      })
      .Case([&](StoreOp store) {
        emitc::CallOpaqueOp::create(builder, location, TypeRange(), "strata::storeAt" + columns(store.getColumns()),
                                    ValueRange{values.lookup(store.getValue()), values.lookup(store.getMatrix()),
                                               values.lookup(store.getRow()), values.lookup(store.getColumn())});
        return success();
      })
      .Case([&](arith::AddFOp) { return binary(emitc::AddOp()); })
      .Case([&](arith::SubFOp) { return binary(emitc::SubOp()); })
      .Case([&](arith::MulFOp) { return binary(emitc::MulOp()); })
      .Case([&](arith::DivFOp) { return binary(emitc::DivOp()); })
      .Case([&](arith::ConstantOp constant) -> LogicalResult {
        auto number = dyn_cast<FloatAttr>(constant.getValue());
        if (!number || !number.getType().isF32())
          return constant.emitError("is no f32, and an epilogue computes with nothing else");
        values.map(constant.getResult(), emitc::LiteralOp::create(builder, location, builder.getF32Type(),
                                                                  literal(number.getValue().convertToFloat())));
        return success();
      })
      .Default([](Operation *other) { return other->emitError("has no form in CUDA"); });
}

LogicalResult ConvertKernToEmitC::emitEpilogue(FuncOp function, MainLoopOp loop, OpBuilder &builder) {
  OpBuilder::InsertionGuard guard(builder);
  Location location = loop.getLoc();
  SmallVector<Value> pointers;
  for (int32_t index : loop.getHanded())
    pointers.push_back(loop.getOperands()[index]);
  Type unsignedType = emitc::OpaqueType::get(&getContext(), "unsigned");
  SmallVector<Type> types = {builder.getF32Type(), unsignedType, unsignedType};
  for (Value pointer : pointers)
    types.push_back(cudaType(pointer.getType()));
  auto epilogue = emitc::FuncOp::create(builder, location, "epilogue", builder.getFunctionType(types, {}));
  epilogue.setSpecifiersAttr(builder.getStrArrayAttr({"static", "__device__", "__forceinline__"}));
  Block *block = epilogue.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  IRMapping values;
  for (auto [argument, value] : llvm::zip(loop.getEpilogue().getArguments(), block->getArguments()))
    values.map(argument, value);
  for (auto [index, pointer] : llvm::enumerate(pointers))
    values.map(pointer, block->getArgument(3 + index));
  for (Operation &op : loop.getEpilogue().front())
    if (failed(emitEpilogueOp(op, values, builder)))
      return failure();
  emitc::ReturnOp::create(builder, location, Value());
  return success();
}

LogicalResult ConvertKernToEmitC::emitEntry(FuncOp function, MainLoopOp loop, OpBuilder &builder) {
  OpBuilder::InsertionGuard guard(builder);
  Location location = function.getLoc();
  SmallVector<Type> types;
  for (Type type : function.getBody().getArgumentTypes())
    types.push_back(cudaType(type));
  auto entry = emitc::FuncOp::create(builder, location, function.getSymName(), builder.getFunctionType(types, {}));
  LaunchAttr launch = function.getLaunch();
  std::string bounds =
      "__launch_bounds__(" + std::to_string(launch.getThreads()) + ", " + std::to_string(launch.getMinimumCtas()) + ")";
  entry.setSpecifiersAttr(builder.getStrArrayAttr({"extern \"C\"", "__global__", bounds}));
  Block *block = entry.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  IRMapping values;
  for (auto [argument, value] : llvm::zip(function.getBody().getArguments(), block->getArguments()))
    values.map(argument, value);
  for (Operation &op : function.getBody().front())
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](ConstantOp constant) {
          values.map(constant.getResult(), emitc::LiteralOp::create(builder, location, builder.getF32Type(),
                                                                    literal(constant.getValue().convertToFloat())));
        })
        .Case([&](NullOp null) {
          values.map(null.getResult(),
                     emitc::LiteralOp::create(builder, location, cudaType(null.getType()), "nullptr"));
        })
        .Case([&](TableOp table) {
          values.map(table.getResult(),
                     emitc::LiteralOp::create(builder, location, cudaType(table.getType()), "frequencies"));
        });
  SmallVector<Value> operands;
  for (Value operand : loop.getOperands())
    operands.push_back(values.lookup(operand));
  emitc::CallOpaqueOp::create(builder, location, TypeRange(), loop.getCallee(), operands);
  emitc::ReturnOp::create(builder, location, Value());
  return success();
}

LogicalResult ConvertKernToEmitC::convert(FuncOp function) {
  auto loop = *function.getBody().getOps<MainLoopOp>().begin();
  OpBuilder builder(function);
  for (auto table : function.getBody().getOps<TableOp>())
    emitTable(table, builder);
  if (!loop.getEpilogue().empty() && failed(emitEpilogue(function, loop, builder)))
    return failure();
  return emitEntry(function, loop, builder);
}

void ConvertKernToEmitC::runOnOperation() {
  auto functions = getOperation().getOps<FuncOp>();
  if (!llvm::hasSingleElement(functions)) {
    getOperation().emitError() << "has " << llvm::range_size(functions) << " kernels: each is a unit of its own";
    return signalPassFailure();
  }
  FuncOp function = *functions.begin();
  if (failed(convert(function)))
    return signalPassFailure();
  function.erase();
}
