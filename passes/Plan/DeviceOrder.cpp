// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/DeviceOrder.h"

#include <array>

using namespace mlir;
using namespace strata::plan;

namespace {

constexpr size_t kDevices = 2;

/// How many steps of every device are known to be done.
using Clock = std::array<uint64_t, kDevices>;

size_t indexOf(DeviceKind device) {
  return static_cast<size_t>(device);
}

/// Executes a program in the order in which it stands, with a clock for each device: a step is ordered after another
/// device's if its own device's clock has that.
class DeviceClocks {
public:
  explicit DeviceClocks(ProgramOp program) : program(program) {}
  LogicalResult run();

private:
  /// When a device touched something last; 0: it did not.
  struct Touches {
    std::array<uint64_t, kDevices> reads = {}, writes = {};
  };

  LogicalResult walkBlock(BlockOp block);
  LogicalResult walk(Operation &step);
  LogicalResult touch(Operation &step, DeviceKind device, Value operand, bool writes);
  LogicalResult join(BlockOp block);

  ProgramOp program;
  std::array<Clock, kDevices> clocks = {}; ///< By device; its own entry counts its steps.
  llvm::DenseMap<Value, Touches> touches;
  llvm::DenseMap<Value, Clock> events;
  Clock joined = {}; ///< What a device must know of before it goes on in another block.
};

StringRef nameOf(Value operand) {
  auto buffer = operand.getDefiningOp<BufferOp>();
  return buffer ? buffer.getName() : "the KV cache";
}

LogicalResult DeviceClocks::touch(Operation &step, DeviceKind device, Value operand, bool writes) {
  if (!isa<BufferType, KvType>(operand.getType()))
    return success();
  size_t self = indexOf(device), other = 1 - self;
  Touches &last = touches[operand];
  uint64_t before = std::max(last.writes[other], writes ? last.reads[other] : 0);
  if (before > clocks[self][other])
    return step.emitOpError() << "on " << stringifyDeviceKind(device) << (writes ? " writes " : " reads ")
                              << nameOf(operand) << ", and nothing makes it wait for what the "
                              << stringifyDeviceKind(static_cast<DeviceKind>(other)) << " does with it before";
  (writes ? last.writes : last.reads)[self] = clocks[self][self];
  return success();
}

LogicalResult DeviceClocks::walk(Operation &step) {
  std::optional<DeviceKind> device = deviceOf(&step);
  if (!device)
    return success(); // Streams belong to the dispatch that reads the weights.
  size_t self = indexOf(*device), other = 1 - self;
  if (auto wait = dyn_cast<WaitOp>(step)) {
    Clock event = events.lookup(wait.getEvent());
    clocks[self][other] = std::max(clocks[self][other], event[other]);
    return success();
  }
  ++clocks[self][self];
  if (joined[other] > clocks[self][other])
    return step.emitOpError() << "on " << stringifyDeviceKind(*device)
                              << " begins a block, and nothing makes it wait for the end of the one before";
  if (auto transfer = dyn_cast<TransferOp>(step)) {
    if (failed(touch(step, *device, transfer.getSource(), false)) ||
        failed(touch(step, *device, transfer.getDestination(), true)))
      return failure();
    events[transfer.getEvent()] = clocks[self];
    return success();
  }
  auto dispatch = cast<DispatchOp>(step);
  for (Value read : dispatch.getReads())
    if (failed(touch(step, *device, read, false)))
      return failure();
  for (Value write : dispatch.getWrites())
    if (failed(touch(step, *device, write, true)))
      return failure();
  return success();
}

/// At a block's end other values begin to lie where its buffers were: one device must know that all are done, and the
/// others wait for it before they go on.
LogicalResult DeviceClocks::join(BlockOp block) {
  for (size_t self = 0; self < kDevices; ++self) {
    size_t other = 1 - self;
    if (clocks[self][other] != clocks[other][other])
      continue;
    joined = {};
    joined[self] = clocks[self][self];
    return success();
  }
  return block.emitOpError() << "@" << block.getSymName() << " ends, and neither device has waited for the other";
}

LogicalResult DeviceClocks::walkBlock(BlockOp block) {
  for (auto stage : block.getBody().getOps<StageOp>()) {
    // A stage over chunks or rows runs again, while the other device may still be at the last ones.
    bool repeats = stage.getRows() == Rows::chunk || stage.getRows() == Rows::output;
    for (int times = repeats ? 2 : 1; times > 0; --times)
      for (Operation &step : stage.getBody().front())
        if (failed(walk(step)))
          return failure();
  }
  return join(block);
}

LogicalResult DeviceClocks::run() {
  for (auto runOp : program.getBody().getOps<RunOp>()) {
    auto block = cast<BlockOp>(SymbolTable::lookupSymbolIn(program, runOp.getBlockAttr().getAttr()));
    for (int times = runOp.getLayers().value_or(1) > 1 ? 2 : 1; times > 0; --times)
      if (failed(walkBlock(block)))
        return failure();
  }
  return success();
}

} // namespace

LogicalResult strata::plan::verifyDeviceOrder(ProgramOp program) {
  return DeviceClocks(program).run();
}
