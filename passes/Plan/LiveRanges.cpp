// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/LiveRanges.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace strata::plan;

static void extend(LiveRange &range, unsigned begin, unsigned end) {
  bool empty = range.begin == range.end;
  range.begin = empty ? begin : std::min(range.begin, begin);
  range.end = empty ? end : std::max(range.end, end);
}

std::vector<LiveRange> strata::plan::computeLiveRanges(ProgramOp program) {
  llvm::MapVector<Value, LiveRange> ranges;
  program.walk([&](BufferOp buffer) { ranges[buffer.getResult()].buffer = buffer; });
  llvm::DenseMap<Operation *, std::pair<unsigned, unsigned>> blockTimes;
  unsigned times = 0;
  for (auto block : program.getBody().getOps<BlockOp>()) {
    unsigned begin = times;
    block.walk([&](StageOp stage) { times += stage.getBody().front().getOperations().size(); });
    blockTimes[block] = {begin, times};
  }
  unsigned now = 0;
  program.walk([&](StageOp stage) {
    unsigned stageBegin = now;
    unsigned stageEnd = now + stage.getBody().front().getOperations().size();
    for (Operation &step : stage.getBody().front()) {
      auto transfer = dyn_cast<TransferOp>(step);
      for (Value operand : step.getOperands()) {
        auto found = ranges.find(operand);
        if (found == ranges.end())
          continue;
        if (transfer && operand == transfer.getDestination()) {
          auto [begin, end] = blockTimes[stage->getParentOp()];
          extend(found->second, begin, end);
        }
        bool wholeStage = found->second.buffer.getType().getRows() == Rows::prompt;
        extend(found->second, wholeStage ? stageBegin : now, wholeStage ? stageEnd : now + 1);
      }
      ++now;
    }
  });
  std::vector<LiveRange> result;
  for (auto &[value, range] : ranges) {
    if (isa<ProgramOp>(range.buffer->getParentOp()))
      extend(range, 0, now);
    result.push_back(range);
  }
  return result;
}
