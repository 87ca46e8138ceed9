// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Whether devices that work side by side wait for each other where they must.

#include "runtime/Artifact/Checks.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <vector>

namespace strata::artifact {
namespace {

constexpr size_t kDevices = 2;
/// How many steps of every device are known to be done.
using Clock = std::array<uint64_t, kDevices>;

size_t indexOf(schema::DeviceKind device) {
  return static_cast<size_t>(device);
}

/// Walks a program with a clock for each device. A step is ordered after another device's if its device's clock has it.
class TransferWalk {
public:
  TransferWalk(const schema::Artifact &ofArtifact, const schema::Program &walked)
      : artifact(ofArtifact), program(walked), touches(walked.values()->size() + kDevices) {}
  Result<void> run();

private:
  struct Touches {
    std::array<uint64_t, kDevices> reads = {}, writes = {};
  };

  Result<void> walkBlock(const schema::Block &block);
  Result<void> walk(const schema::Block &block, const schema::Dispatch &step);
  Result<void> wait(const schema::Block &block, const schema::Dispatch &step);
  Result<void> transfer(const schema::Block &block, const schema::Dispatch &step);
  Result<void> checkStream(const schema::Block &block, const schema::Dispatch &step) const;
  Result<void> touch(const schema::Block &block, const schema::Dispatch &step, const schema::Operand &operand,
                     bool writes);
  tl::unexpected<Error> refuseStep(const schema::Block &block, const schema::Dispatch &step,
                                   std::string_view why) const {
    return refuse("A26", fmt::format("{} {}", describe(program, block, step), why));
  }
  const schema::Value &valueAt(uint32_t index) const { return *program.values()->Get(index); }

  struct Event {
    size_t device;
    Clock clock;
  };

  const schema::Artifact &artifact;
  const schema::Program &program;
  std::array<Clock, kDevices> clocks = {}; ///< By device; its own entry counts its steps.
  std::vector<Touches> touches;            ///< By value; the last are the devices' caches.
  std::vector<Event> events;               ///< Of the running stage.
  Clock joined = {};                       ///< What a device must know of before it goes on in another block.
};

Result<void> TransferWalk::touch(const schema::Block &block, const schema::Dispatch &step,
                                 const schema::Operand &operand, bool writes) {
  bool cache = operand.kind() == schema::OperandKind::kv;
  if (!cache && operand.kind() != schema::OperandKind::value)
    return {};
  size_t self = indexOf(step.device()), other = 1 - self;
  Touches &last = touches[cache ? program.values()->size() + self : operand.index()];
  uint64_t before = std::max(last.writes[other], writes ? last.reads[other] : 0);
  if (before > clocks[self][other])
    return refuseStep(block, step,
                      fmt::format("{} {} and does not wait for what the {} does with it before",
                                  writes ? "writes" : "reads",
                                  cache ? "the cache" : printable(valueAt(operand.index()).name()),
                                  schema::EnumNameDeviceKind(static_cast<schema::DeviceKind>(other))));
  (writes ? last.writes : last.reads)[self] = clocks[self][self];
  return {};
}

Result<void> TransferWalk::wait(const schema::Block &block, const schema::Dispatch &step) {
  uint32_t number = step.parameters_as_EventParameters()->event();
  size_t self = indexOf(step.device()), other = 1 - self;
  if (number >= events.size())
    return refuseStep(block, step,
                      fmt::format("waits for transfer {} of {} before it in its stage", number, events.size()));
  if (events[number].device == self)
    return refuseStep(block, step, "waits for a transfer of its own device");
  clocks[self][other] = std::max(clocks[self][other], events[number].clock[other]);
  return {};
}

Result<void> TransferWalk::transfer(const schema::Block &block, const schema::Dispatch &step) {
  const schema::Value &from = valueAt(step.reads()->Get(0)->index()), &to = valueAt(step.writes()->Get(0)->index());
  if (from.element() != to.element())
    return refuseStep(block, step, "copies to a value of another element");
  if (artifact.arenas()->Get(from.arena())->device() == artifact.arenas()->Get(to.arena())->device())
    return refuseStep(block, step, "copies to a value of the same device");
  if (step.parameters_as_EventParameters()->event() != events.size())
    return refuseStep(block, step, fmt::format("has not the number {} of its place in its stage", events.size()));
  events.push_back({indexOf(step.device()), clocks[indexOf(step.device())]});
  return {};
}

Result<void> TransferWalk::checkStream(const schema::Block &block, const schema::Dispatch &step) const {
  const schema::StreamParameters &parameters = *step.parameters_as_StreamParameters();
  auto isStaging = [&](uint32_t index, schema::Tier tier) {
    if (index >= artifact.arenas()->size())
      return false;
    const schema::Arena &arena = *artifact.arenas()->Get(index);
    return arena.kind() == schema::ArenaKind::staging && arena.tier() == tier &&
           arena.device() == schema::DeviceKind::gpu;
  };
  if (step.device() != schema::DeviceKind::gpu || !isStaging(parameters.ring(), schema::Tier::ram) ||
      !isStaging(parameters.staging(), schema::Tier::gpu))
    return refuseStep(block, step, "does not bring experts through the gpu's two arenas for staging");
  return {};
}

Result<void> TransferWalk::walk(const schema::Block &block, const schema::Dispatch &step) {
  size_t self = indexOf(step.device()), other = 1 - self;
  if (step.operation() == schema::Operation::stream)
    return checkStream(block, step);
  if (step.operation() == schema::Operation::wait)
    return wait(block, step);
  ++clocks[self][self];
  if (joined[other] > clocks[self][other])
    return refuseStep(block, step, "does not wait for the other device's end of the block before");
  for (const schema::Operand *operand : *step.reads())
    STRATA_TRY(touch(block, step, *operand, false));
  for (const schema::Operand *operand : *step.writes())
    STRATA_TRY(touch(block, step, *operand, true));
  return step.operation() == schema::Operation::transfer ? transfer(block, step) : Result<void>();
}

Result<void> TransferWalk::walkBlock(const schema::Block &block) {
  for (const schema::Stage *stage : *block.stages()) {
    // A stage over chunks or rows runs again, while the other device may still be at the last ones.
    bool repeats = stage->rows() == schema::Rows::chunk || stage->rows() == schema::Rows::output;
    for (int times = repeats ? 2 : 1; times > 0; --times) {
      events.clear();
      for (const schema::Dispatch *step : *stage->dispatches())
        STRATA_TRY(walk(block, *step));
    }
  }
  // Other values begin to lie where the block's were: one device must know that all are done.
  for (size_t self = 0; self < kDevices; ++self)
    if (clocks[self][1 - self] == clocks[1 - self][1 - self]) {
      joined = {};
      joined[self] = clocks[self][self];
      return {};
    }
  return refuse("A26",
                fmt::format("block {} ends, and neither device has waited for the other", printable(block.name())));
}

Result<void> TransferWalk::run() {
  for (const schema::Run *each : *program.runs())
    for (int times = each->layers() > 1 ? 2 : 1; times > 0; --times)
      STRATA_TRY(walkBlock(*program.blocks()->Get(each->block())));
  return {};
}

} // namespace

Result<void> checkTransfers(const schema::Artifact &artifact) {
  if (!hasSeveralTiers(artifact)) {
    for (const schema::Program *program : *artifact.programs()) {
      auto check = [&](const schema::Block &block, const schema::Stage &, const schema::Dispatch &dispatch) {
        return isTransfer(dispatch.operation())
                   ? refuse("A26", fmt::format("{} moves data between tiers, and all is in one",
                                               describe(*program, block, dispatch)))
                   : Result<void>();
      };
      STRATA_TRY(forEachDispatch(*program, check));
    }
    return {};
  }
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(TransferWalk(artifact, *program).run());
  return {};
}

} // namespace strata::artifact
