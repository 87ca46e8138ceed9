// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Turns dispatches on the gpu into launches of kernels.

#include "compiler/Kernels/KernelName.h"
#include "compiler/Kernels/Schedules.h"
#include "dialects/Moe/MoeTypes.h"
#include "passes/Conversion/PlanToKern/Passes.h"
#include "passes/Conversion/PlanToKern/RequestOf.h"
#include "passes/Plan/TierUse.h"
#include "passes/Statistics.h"

#include "llvm/ADT/StringExtras.h"

namespace strata {
#define GEN_PASS_DEF_CONVERTPLANTOKERN
#include "passes/Conversion/PlanToKern/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

class ConvertPlanToKern : public strata::impl::ConvertPlanToKernBase<ConvertPlanToKern> {
public:
  using ConvertPlanToKernBase::ConvertPlanToKernBase;
  void runOnOperation() override;

private:
  LogicalResult convert(DispatchOp dispatch);
  LogicalResult convert(TensorOp tensor);
  /// The function of a step, made if there is none like it yet.
  FlatSymbolRefAttr functionFor(const kernels::Plan &plan, const kernels::Step &step, ArrayRef<float> frequencies,
                                Location location);
  void emitBody(kern::FuncOp function, const kernels::Plan &plan, const kernels::Step &step,
                ArrayRef<float> frequencies);
  void emitEpilogue(kern::MainLoopOp loop, const kernels::Step &step, Value residual, Value result);

  llvm::StringMap<FlatSymbolRefAttr> known; ///< By all that makes a kernel what it is.
  llvm::StringMap<unsigned> numbers;        ///< Kernels of each name; they differ in what it does not say.
  uint64_t launches = 0, shared = 0;
};

kern::PointerType pointerOf(MLIRContext *context, StringRef type) {
  kern::Access access = type.starts_with("const ") ? kern::Access::read : kern::Access::write;
  kern::Element element = type.contains("float")  ? kern::Element::f32
                          : type.contains("char") ? kern::Element::bytes
                                                  : kern::Element::i32;
  return kern::PointerType::get(context, element, access);
}

/// Everything about a step but its name.
std::string keyOf(const kernels::Plan &plan, const kernels::Step &step, ArrayRef<float> frequencies) {
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << step.callee << '(' << llvm::join(step.arguments, ",") << ')';
  for (const kernels::Parameter &parameter : plan.parameters)
    stream << parameter.type << parameter.name << ',';
  for (uint32_t number : {step.threads, step.gridX, step.rowsPerCta, step.dynamicSharedBytes, step.minimumCtas,
                          step.group, step.perRow, step.segmentRows, step.resultColumns})
    stream << number << ',';
  for (float frequency : frequencies)
    stream << llvm::bit_cast<uint32_t>(frequency) << ',';
  return key;
}

/// The dispatch's schedules, if the kernels can be built with them.
LogicalResult addSchedules(DispatchOp dispatch, kernels::Request &request) {
  if (std::optional<ArrayAttr> schedules = dispatch.getSchedules())
    for (auto schedule : schedules->getAsRange<ScheduleAttr>())
      request.schedules.push_back({schedule.getColumns(), schedule.getRows(), schedule.getCtas()});
  std::string fault = kernels::checkSchedules(request, request.schedules);
  if (!fault.empty())
    return dispatch.emitError() << fault << "; run --plan-choose-schedules before";
  return success();
}

} // namespace

void ConvertPlanToKern::emitEpilogue(kern::MainLoopOp loop, const kernels::Step &step, Value residual, Value result) {
  OpBuilder builder(&getContext());
  Location location = loop.getLoc();
  Type number = builder.getF32Type(), index = builder.getI32Type();
  Block *block = builder.createBlock(&loop.getEpilogue(), {}, {number, index, index}, {location, location, location});
  Value value = block->getArgument(0), row = block->getArgument(1), column = block->getArgument(2);
  IntegerAttr columns = builder.getI64IntegerAttr(step.resultColumns);
  if (residual) {
    Value before = kern::LoadOp::create(builder, location, number, residual, row, column, columns);
    value = arith::AddFOp::create(builder, location, value, before);
  }
  kern::StoreOp::create(builder, location, value, result, row, column, columns);
}

void ConvertPlanToKern::emitBody(kern::FuncOp function, const kernels::Plan &plan, const kernels::Step &step,
                                 ArrayRef<float> frequencies) {
  OpBuilder builder(&getContext());
  Location location = function.getLoc();
  Block *block = builder.createBlock(&function.getBody());
  llvm::StringMap<Value> names;
  for (const kernels::Parameter &parameter : plan.parameters)
    names[parameter.name] = block->addArgument(pointerOf(&getContext(), parameter.type), location);
  names["rows"] = block->addArgument(builder.getI32Type(), location);
  if (step.segmentRows)
    names["segment"] = block->addArgument(builder.getI32Type(), location);
  auto numbers = kern::PointerType::get(&getContext(), kern::Element::f32, kern::Access::read);
  SmallVector<Value> operands;
  for (const std::string &argument : step.arguments) {
    double number = 0;
    if (Value known = names.lookup(argument))
      operands.push_back(known);
    else if (argument == "nullptr")
      operands.push_back(kern::NullOp::create(builder, location, numbers));
    else if (argument == "frequencies")
      operands.push_back(kern::TableOp::create(builder, location, numbers, builder.getDenseF32ArrayAttr(frequencies)));
    else if (StringRef literal = argument; literal.consume_back("f") && !literal.getAsDouble(number))
      operands.push_back(
          kern::ConstantOp::create(builder, location, builder.getF32Type(), builder.getF32FloatAttr(number)));
    else
      llvm_unreachable("an argument is a parameter or a constant");
  }
  // Main loops hand a residual and a result on, and nothing in the place of a residual that is not there.
  SmallVector<int32_t> handed;
  auto result = llvm::find(step.arguments, "result");
  if (step.epilogue)
    handed = {int32_t(result - step.arguments.begin()) - 1, int32_t(result - step.arguments.begin())};
  auto loop = kern::MainLoopOp::create(builder, location, TypeRange(), builder.getStringAttr(step.callee), operands,
                                       builder.getDenseI32ArrayAttr(handed));
  if (step.epilogue)
    emitEpilogue(loop, step, names.lookup("residual"), names.lookup("result"));
}

FlatSymbolRefAttr ConvertPlanToKern::functionFor(const kernels::Plan &plan, const kernels::Step &step,
                                                 ArrayRef<float> frequencies, Location location) {
  ++launches;
  if (!step.frequencies)
    frequencies = {};
  FlatSymbolRefAttr &symbol = known[keyOf(plan, step, frequencies)];
  if (symbol) {
    ++shared;
    return symbol;
  }
  OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
  std::string name = kernels::kernelName(step);
  if (unsigned before = numbers[name]++)
    name += "_" + std::to_string(before + 1);
  auto launch = kern::LaunchAttr::get(&getContext(), step.threads, step.gridX, step.rowsPerCta, step.dynamicSharedBytes,
                                      step.minimumCtas);
  kern::RepeatAttr repeat;
  if (step.segmentRows)
    repeat = kern::RepeatAttr::get(&getContext(), step.group, step.perRow, step.segmentRows);
  SmallVector<StringRef> texts(step.files.begin(), step.files.end()), names;
  for (const kernels::Parameter &parameter : plan.parameters)
    names.push_back(parameter.name);
  names.push_back("rows");
  if (step.segmentRows)
    names.push_back("segment");
  auto function = kern::FuncOp::create(builder, location, builder.getStringAttr(name), launch, repeat,
                                       builder.getStrArrayAttr(texts), builder.getStrArrayAttr(names));
  emitBody(function, plan, step, frequencies);
  symbol = FlatSymbolRefAttr::get(function.getSymNameAttr());
  return symbol;
}

LogicalResult ConvertPlanToKern::convert(DispatchOp dispatch) {
  OperationKind kind = dispatch.getKind();
  if ((kind == OperationKind::experts_down && !dispatch.getOrderedReads()[5]) ||
      (kind == OperationKind::experts_grouped && !dispatch.getOrderedReads()[9]))
    return dispatch.emitError() << stringifyOperationKind(kind) << " has no kernel without a residual";
  FailureOr<kernels::Request> request = requestOf(dispatch);
  if (failed(request) || failed(addSchedules(dispatch, *request)))
    return failure();
  kernels::Plan plan = kernels::plan(*request);
  if (plan.steps.empty())
    return dispatch.emitError() << stringifyOperationKind(dispatch.getKind()) << " has no kernel";
  SmallVector<Attribute> symbols;
  for (const kernels::Step &step : plan.steps)
    symbols.push_back(functionFor(plan, step, frequenciesOf(dispatch), dispatch.getLoc()));
  dispatch.setKernelsAttr(ArrayAttr::get(&getContext(), symbols));
  return success();
}

LogicalResult ConvertPlanToKern::convert(TensorOp tensor) {
  std::optional<Encoding> encoding = moe::encodingOf(tensor.getType().getElementType());
  if (tensor.getTier() != Tier::gpu || tensor.getType().getRank() < 2 || !encoding || !kernels::isRepacked(*encoding))
    return success();
  FailureOr<kernels::Request> request = repackRequestOf(tensor);
  if (failed(request))
    return failure();
  kernels::Plan plan = kernels::plan(*request);
  tensor.setRepackAttr(functionFor(plan, plan.steps.front(), {}, tensor.getLoc()));
  return success();
}

void ConvertPlanToKern::runOnOperation() {
  WalkResult result = getOperation().walk([&](Operation *op) {
    if (auto dispatch = dyn_cast<DispatchOp>(op); dispatch && dispatch.getDevice() == DeviceKind::gpu)
      return readsByExperts(dispatch) ? WalkResult::advance() : WalkResult(convert(dispatch));
    if (auto tensor = dyn_cast<TensorOp>(op))
      return WalkResult(convert(tensor));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return signalPassFailure();
  reportStatistics(getOperation(), getArgument(),
                   {{"kernels", known.size()}, {"launches", launches}, {"shared", shared}});
}
