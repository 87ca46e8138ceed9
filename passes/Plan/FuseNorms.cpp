// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Makes one dispatch of a norm and of the quantisation of its result.

#include "passes/Plan/Passes.h"
#include "passes/Statistics.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"

namespace strata::plan {
#define GEN_PASS_DEF_PLANFUSENORMS
#include "passes/Plan/Passes.h.inc"
} // namespace strata::plan

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

class PlanFuseNorms : public plan::impl::PlanFuseNormsBase<PlanFuseNorms> {
public:
  using PlanFuseNormsBase::PlanFuseNormsBase;
  void runOnOperation() override;

private:
  void fuse(DispatchOp norm, DispatchOp quantise);

  /// For the statistics.
  uint64_t fused = 0, kept = 0;
};

/// The norm whose result `quantise` reads, if it can quantise that result itself; null if not.
DispatchOp normBefore(DispatchOp quantise) {
  Value normed = quantise.getReads().front(), quantised = quantise.getWrites().front();
  for (Operation *op = quantise->getPrevNode(); op; op = op->getPrevNode()) {
    auto dispatch = cast<DispatchOp>(op);
    if (llvm::is_contained(dispatch.getWrites(), normed)) {
      bool fits = dispatch.getKind() == OperationKind::rms_norm && dispatch.getDevice() == DeviceKind::gpu;
      return fits ? dispatch : DispatchOp();
    }
    // The activation would be written before these.
    if (llvm::is_contained(dispatch->getOperands(), quantised))
      return {};
  }
  return {};
}

/// True if a dispatch other than these two touches the rows between the norm and the quantisation.
bool isNeeded(Value normed, DispatchOp norm, DispatchOp quantise) {
  auto buffer = normed.getDefiningOp<BufferOp>();
  return !buffer || buffer.getRole() != Role::intermediate ||
         llvm::any_of(normed.getUsers(), [&](Operation *user) { return user != norm && user != quantise; });
}

} // namespace

void PlanFuseNorms::fuse(DispatchOp norm, DispatchOp quantise) {
  Value normed = quantise.getReads().front(), quantised = quantise.getWrites().front();
  bool both = isNeeded(normed, norm, quantise);
  OpBuilder builder(norm);
  SmallVector<Value> writes = {quantised};
  if (both)
    writes.insert(writes.begin(), normed);
  DispatchOp::create(builder, norm.getLoc(), both ? OperationKind::rms_norm_both : OperationKind::rms_norm_quantise,
                     norm.getForm(), DeviceKind::gpu, norm.getReads(), norm.getAbsent(),
                     norm.getParameters().value_or(Attribute()), writes,
                     /*schedules=*/ArrayAttr(), /*kernels=*/ArrayAttr());
  norm.erase();
  quantise.erase();
  if (!both)
    normed.getDefiningOp()->erase();
  ++fused;
  kept += both;
}

void PlanFuseNorms::runOnOperation() {
  SmallVector<DispatchOp> quantises;
  getOperation().walk([&](DispatchOp dispatch) {
    if (dispatch.getKind() == OperationKind::quantise && dispatch.getDevice() == DeviceKind::gpu)
      quantises.push_back(dispatch);
  });
  for (DispatchOp quantise : quantises)
    if (DispatchOp norm = normBefore(quantise))
      fuse(norm, quantise);
  reportStatistics(getOperation(), getArgument(), {{"fused", fused}, {"kept", kept}});
}
