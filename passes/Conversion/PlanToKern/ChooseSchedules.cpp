// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Gives products on the gpu their schedules.

#include "compiler/Kernels/Schedules.h"
#include "passes/Conversion/PlanToKern/Passes.h"
#include "passes/Conversion/PlanToKern/RequestOf.h"
#include "passes/Statistics.h"

namespace strata {
#define GEN_PASS_DEF_PLANCHOOSESCHEDULES
#include "passes/Conversion/PlanToKern/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

class PlanChooseSchedules : public strata::impl::PlanChooseSchedulesBase<PlanChooseSchedules> {
public:
  using PlanChooseSchedulesBase::PlanChooseSchedulesBase;
  void runOnOperation() override;
};

} // namespace

void PlanChooseSchedules::runOnOperation() {
  uint64_t chosen = 0;
  WalkResult result = getOperation().walk([&](DispatchOp dispatch) {
    if (dispatch.getDevice() != DeviceKind::gpu || dispatch.getSchedules())
      return WalkResult::advance();
    FailureOr<kernels::Request> request = requestOf(dispatch);
    if (failed(request))
      return WalkResult::interrupt();
    SmallVector<Attribute> schedules;
    for (const kernels::Schedule &schedule : kernels::schedulesFor(*request))
      schedules.push_back(ScheduleAttr::get(&getContext(), schedule.columns, schedule.rows, schedule.minimumCtas));
    chosen += schedules.size();
    if (!schedules.empty())
      dispatch.setSchedulesAttr(ArrayAttr::get(&getContext(), schedules));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return signalPassFailure();
  reportStatistics(getOperation(), getArgument(), {{"schedules", chosen}});
}
