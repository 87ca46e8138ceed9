// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/PlanToKern/RequestOf.h"

#include "dialects/Moe/MoeTypes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

class RequestMaker {
public:
  explicit RequestMaker(DispatchOp dispatch) : dispatch(dispatch), reads(dispatch.getOrderedReads()) {}

  FailureOr<kernels::Request> make();

private:
  uint32_t narrow(int64_t number) {
    std::optional<uint32_t> value = Checked(number).as<uint32_t>();
    fits &= value.has_value();
    return value.value_or(0);
  }
  uint32_t columnsOf(Value operand) { return narrow(cast<BufferType>(operand.getType()).getColumns()); }
  RankedTensorType weight(unsigned index) { return cast<RankedTensorType>(reads[index].getType()); }
  /// Its last two dimensions are a matrix.
  void useMatrix(unsigned index) {
    ArrayRef<int64_t> shape = weight(index).getShape();
    request.results = narrow(shape[shape.size() - 2]);
    request.columns = narrow(shape.back());
  }
  void setOperation();
  void addWeights();
  void addSettings();
  void addCache();
  void addShapes();
  void addParameters();

  DispatchOp dispatch;
  SmallVector<Value> reads;
  kernels::Request request;
  bool fits = true;
};

} // namespace

void RequestMaker::setOperation() {
  switch (dispatch.getKind()) {
  case OperationKind::experts_grouped:
    request.operation = schema::Operation::experts;
    return;
  case OperationKind::rms_norm_quantise:
    request.operation = schema::Operation::rms_norm;
    request.kind = kernels::Kind::RmsNormQuantise;
    return;
  case OperationKind::rms_norm_both:
    request.operation = schema::Operation::rms_norm;
    request.kind = kernels::Kind::RmsNormBoth;
    return;
  default:
    request.operation = static_cast<schema::Operation>(dispatch.getKind());
  }
}

/// The encodings of the weights that are matrices, in the order of the operands.
void RequestMaker::addWeights() {
  unsigned next = 0;
  for (Value read : reads) {
    auto type = read ? dyn_cast<RankedTensorType>(read.getType()) : RankedTensorType();
    if (type && type.getRank() >= 2 && next < request.weights.size())
      request.weights[next++] = *moe::encodingOf(type.getElementType());
  }
}

void RequestMaker::addSettings() {
  SettingsOp settings = SettingsOp::lookup(dispatch);
  bool decode = dispatch.getForm() == Form::few;
  request.activations = static_cast<schema::ActivationEncoding>(decode ? settings.getDecodeActivations()
                                                                       : settings.getPromptActivations());
  request.kv = static_cast<schema::KvEncoding>(settings.getKv());
  request.maximumRows = narrow(settings.getRowCount(cast<StageOp>(dispatch->getParentOp()).getRows()));
  request.segmentRows = narrow(settings.getChunkTokens());
}

void RequestMaker::addCache() {
  auto module = dispatch->getParentOfType<ModuleOp>();
  for (auto cache : module.getOps<KvCacheOp>()) {
    request.latent = narrow(cache.getType().getLatent());
    request.rope = narrow(cache.getType().getRope());
    request.blocksPerSequence = cache.getBlocksPerSequence();
  }
}

void RequestMaker::addShapes() {
  switch (dispatch.getKind()) {
  case OperationKind::embed:
  case OperationKind::matmul:
  case OperationKind::gated_matmul:
  case OperationKind::head_matmul:
    useMatrix(1);
    request.residual = dispatch.getKind() == OperationKind::matmul && reads[2];
    return;
  case OperationKind::rms_norm:
  case OperationKind::rms_norm_quantise:
  case OperationKind::rms_norm_both:
  case OperationKind::quantise:
  case OperationKind::add:
    request.columns = columnsOf(reads[0]);
    return;
  case OperationKind::kv_append:
  case OperationKind::attention_splits:
  case OperationKind::attention:
    return addCache();
  case OperationKind::attention_combine: {
    addCache();
    return;
  }
  case OperationKind::transfer:
  case OperationKind::wait:
  case OperationKind::stream:
    return;
  case OperationKind::route:
    request.experts = columnsOf(reads[0]);
    request.bias = bool(reads[1]);
    return;
  case OperationKind::experts_gate_up:
    request.columns = narrow(weight(2).getShape()[2]);
    return;
  case OperationKind::experts_down:
    request.columns = narrow(weight(3).getShape()[1]);
    return;
  case OperationKind::experts:
  case OperationKind::experts_grouped:
    request.columns = narrow(weight(3).getShape()[2]);
    return;
  case OperationKind::query_rope:
    return;
  }
}

void RequestMaker::addParameters() {
  if (!dispatch.getParameters())
    return;
  llvm::TypeSwitch<Attribute>(*dispatch.getParameters())
      .Case([&](NormParametersAttr norm) { request.epsilon = norm.getEpsilon().getValueAsDouble(); })
      .Case([&](RopeParametersAttr rope) {
        request.heads = rope.getHeads();
        request.nope = rope.getNope();
        request.rope = 2 * rope.getFrequencies().size();
        request.magnitude = rope.getMagnitude().getValueAsDouble();
      })
      .Case([&](KvAppendParametersAttr append) {
        request.epsilon = append.getEpsilon().getValueAsDouble();
        request.magnitude = append.getMagnitude().getValueAsDouble();
      })
      .Case([&](AttentionParametersAttr attention) {
        request.heads = attention.getHeads();
        request.scale = attention.getScale().getValueAsDouble();
        request.splitPositions = attention.getSplitPositions();
        request.splits = llvm::divideCeil(uint64_t(SettingsOp::lookup(dispatch).getContextPositions()),
                                          uint64_t(attention.getSplitPositions()));
      })
      .Case([&](HeadParametersAttr head) { request.heads = head.getHeads(); })
      .Case([&](RouteParametersAttr route) {
        request.gate = static_cast<schema::Gate>(route.getGate());
        request.groups = route.getGroups();
        request.groupsUsed = route.getGroupsUsed();
        request.expertsUsed = route.getExpertsUsed();
        request.scale = route.getScale().getValueAsDouble();
        request.normalise = route.getNormalise().getValue();
      })
      .Case([&](ExpertParametersAttr expert) {
        request.experts = expert.getExperts();
        request.expertsUsed = expert.getExpertsUsed();
        request.width = expert.getWidth();
        request.sharedWidth = expert.getSharedWidth();
      });
}

FailureOr<kernels::Request> RequestMaker::make() {
  setOperation();
  request.form = static_cast<schema::Form>(dispatch.getForm());
  addSettings();
  addWeights();
  addShapes();
  addParameters();
  if (!fits)
    return dispatch.emitError("has sizes beyond 32 bits");
  return request;
}

FailureOr<kernels::Request> strata::requestOf(DispatchOp dispatch) {
  return RequestMaker(dispatch).make();
}

FailureOr<kernels::Request> strata::repackRequestOf(TensorOp tensor) {
  kernels::Request request;
  request.kind = kernels::Kind::Repack;
  request.weights[0] = *moe::encodingOf(tensor.getType().getElementType());
  ArrayRef<int64_t> shape = tensor.getType().getShape();
  std::optional<uint32_t> results = Checked(shape[shape.size() - 2]).as<uint32_t>(),
                          columns = Checked(shape.back()).as<uint32_t>();
  if (!results || !columns)
    return tensor.emitError("has sizes beyond 32 bits");
  request.results = *results;
  request.columns = *columns;
  return request;
}

ArrayRef<float> strata::frequenciesOf(DispatchOp dispatch) {
  Attribute parameters = dispatch.getParameters().value_or(Attribute());
  if (auto rope = dyn_cast_or_null<RopeParametersAttr>(parameters))
    return rope.getFrequencies().asArrayRef();
  if (auto append = dyn_cast_or_null<KvAppendParametersAttr>(parameters))
    return append.getFrequencies().asArrayRef();
  return {};
}
