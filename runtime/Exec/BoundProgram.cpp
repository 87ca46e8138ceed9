// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/BoundProgram.h"

#include <algorithm>

namespace strata {

/// Calls `visit(run, layer, stage)` in the order of execution.
template <typename Visit> static void forEachStage(const schema::Program &program, Visit visit) {
  for (const schema::Run *run : *program.runs())
    for (uint32_t layer = 0; layer < run->layers(); ++layer)
      for (const schema::Stage *stage : *program.blocks()->Get(run->block())->stages())
        visit(*run, layer, *stage);
}

struct Sizes {
  size_t stages = 0, calls = 0, operands = 0;
};

static Sizes sizesOf(const schema::Program &program) {
  Sizes sizes;
  forEachStage(program, [&](const schema::Run &, uint32_t, const schema::Stage &stage) {
    ++sizes.stages;
    sizes.calls += stage.dispatches()->size();
    for (const schema::Dispatch *dispatch : *stage.dispatches())
      sizes.operands += dispatch->reads()->size() + dispatch->writes()->size();
  });
  return sizes;
}

uint64_t BoundProgram::hostBytes(const schema::Program &program) {
  Sizes sizes = sizesOf(program);
  return sizes.stages * sizeof(Stage) + sizes.calls * sizeof(KernelCall) +
         sizes.operands * (sizeof(BoundOperand) + sizeof(Place));
}

static CallParameters decodeParameters(const schema::Dispatch &dispatch) {
  CallParameters result;
  auto frequencies = [&](const flatbuffers::Vector<float> &numbers) {
    result.frequencies = {numbers.data(), numbers.size()};
  };
  if (const auto *norm = dispatch.parameters_as_NormParameters())
    result.epsilon = norm->epsilon();
  if (const auto *rope = dispatch.parameters_as_RopeParameters()) {
    result.heads = rope->heads();
    result.nope = rope->nope();
    result.magnitude = rope->magnitude();
    frequencies(*rope->frequencies());
  }
  if (const auto *append = dispatch.parameters_as_KvAppendParameters()) {
    result.epsilon = append->epsilon();
    result.magnitude = append->magnitude();
    frequencies(*append->frequencies());
  }
  if (const auto *attention = dispatch.parameters_as_AttentionParameters()) {
    result.heads = attention->heads();
    result.scale = attention->scale();
    result.splitPositions = attention->split_positions();
  }
  if (const auto *head = dispatch.parameters_as_HeadParameters())
    result.heads = head->heads();
  if (const auto *route = dispatch.parameters_as_RouteParameters()) {
    result.gate = route->gate();
    result.groups = route->groups();
    result.groupsUsed = route->groups_used();
    result.expertsUsed = route->experts_used();
    result.scale = route->scale();
    result.normalise = route->normalise();
  }
  if (const auto *experts = dispatch.parameters_as_ExpertParameters()) {
    result.experts = experts->experts();
    result.expertsUsed = experts->experts_used();
    result.width = experts->width();
    result.sharedWidth = experts->shared_width();
  }
  return result;
}

BoundProgram::BoundProgram(const Binding &boundTo, const schema::Program &source, schema::ActivationEncoding encoding)
    : binding(boundTo), program(&source), activations(encoding) {
  Sizes sizes = sizesOf(source);
  stageList.reserve(sizes.stages);
  calls.reserve(sizes.calls);
  operands.reserve(sizes.operands); // Calls point into it: it must not move.
  places.reserve(sizes.operands);
  forEachStage(source, [this](const schema::Run &run, uint32_t layer, const schema::Stage &stage) {
    bindStage(run, layer, stage);
  });
  countWeights();
}

/// A table of embeddings is read by single rows, which are not worth counting.
void BoundProgram::countWeights() {
  for (Stage &stage : stageList) {
    stage.weightBytes = 0;
    for (size_t call = stage.firstCall; call < stage.endCall; ++call)
      for (const BoundOperand &read : calls[call].reads)
        if (read.kind == schema::OperandKind::weight && !read.experts &&
            calls[call].operation != schema::Operation::embed)
          stage.weightBytes += read.rows * read.rowBytes;
  }
}

void BoundProgram::bindStage(const schema::Run &run, uint32_t layer, const schema::Stage &stage) {
  Stage bound = {stage.rows(), run.first_layer() + layer, calls.size(), 0, operands.size(), 0, 0};
  for (const schema::Dispatch *dispatch : *stage.dispatches()) {
    size_t reads = operands.size();
    for (const schema::Operand *operand : *dispatch->reads())
      bindOperand(run, layer, stage, *operand);
    size_t writes = operands.size();
    for (const schema::Operand *operand : *dispatch->writes())
      bindOperand(run, layer, stage, *operand);
    KernelCall call;
    call.operation = dispatch->operation();
    call.form = dispatch->form();
    call.activations = activations;
    call.reads = {operands.data() + reads, writes - reads};
    call.writes = {operands.data() + writes, operands.size() - writes};
    call.parameters = decodeParameters(*dispatch);
    if (dispatch->kernels())
      call.kernels = {dispatch->kernels()->data(), dispatch->kernels()->size()};
    calls.push_back(call);
  }
  bound.endCall = calls.size();
  bound.endOperand = operands.size();
  stageList.push_back(bound);
}

void BoundProgram::bindOperand(const schema::Run &run, uint32_t layer, const schema::Stage &stage,
                               const schema::Operand &operand) {
  switch (operand.kind()) {
  case schema::OperandKind::value:
    return bindValue(stage, *program->values()->Get(operand.index()));
  case schema::OperandKind::weight: {
    uint32_t weights = program->blocks()->Get(run.block())->weights()->size();
    return bindWeight(*binding.artifact->tensors()->Get(run.tensors()->Get(layer * weights + operand.index())));
  }
  case schema::OperandKind::kv:
  case schema::OperandKind::none:
    break;
  }
  BoundOperand bound;
  bound.kind = operand.kind();
  if (bound.kind == schema::OperandKind::kv)
    bound.kv = &binding.layers[run.first_layer() + layer];
  operands.push_back(bound);
  places.push_back({nullptr, Follow::Nothing});
}

void BoundProgram::bindValue(const schema::Stage &stage, const schema::Value &value) {
  auto choice = static_cast<uint32_t>(activations);
  BoundOperand bound;
  bound.kind = schema::OperandKind::value;
  bound.data = binding.arenas->base(value.arena()) + value.offsets()->Get(choice);
  bound.columns = value.columns();
  bound.rowBytes = valueRowBytes(value.element(), activations, value.columns()).value();
  bound.element = value.element();
  Follow follow = Follow::Count;
  if (value.rows() == schema::Rows::prompt && stage.rows() != schema::Rows::prompt)
    follow = Follow::Window;
  if (value.rows() == schema::Rows::chunk && stage.rows() == schema::Rows::prompt) {
    follow = Follow::Nothing;
    bound.rows = binding.artifact->settings()->chunk_tokens();
  }
  operands.push_back(bound);
  places.push_back({bound.data, follow});
}

void BoundProgram::bindWeight(const schema::Tensor &tensor) {
  BoundOperand bound;
  bound.kind = schema::OperandKind::weight;
  if (tensor.tier() == schema::Tier::disk)
    bound.experts = binding.experts->table(binding.experts->matrixOf(tensor.name()->string_view()));
  else
    bound.data = binding.arenas->base(schema::ArenaKind::weights) + tensor.arena_offset();
  bound.encoding = static_cast<Encoding>(tensor.encoding());
  size_t missing = bound.dimensions.size() - tensor.dimensions()->size();
  for (uint32_t i = 0; i < tensor.dimensions()->size(); ++i)
    bound.dimensions[missing + i] = tensor.dimensions()->Get(i);
  bound.columns = bound.dimensions.back();
  bound.rows = bound.dimensions[0] * bound.dimensions[1];
  bound.rowBytes = encodedBytes(bound.encoding, bound.columns, 1).value();
  operands.push_back(bound);
  places.push_back({bound.data, Follow::Nothing});
}

void BoundProgram::narrow(std::span<const std::byte *const> weights) {
  for (BoundOperand &operand : operands)
    if (operand.kind == schema::OperandKind::weight && std::ranges::find(weights, operand.data) != weights.end()) {
      operand.encoding = Encoding::BF16;
      operand.rowBytes = encodedBytes(operand.encoding, operand.columns, 1).value();
    }
  countWeights();
}

Result<void> BoundProgram::run(size_t stage, uint64_t first, uint64_t count) {
  const Stage &bound = stageList[stage];
  for (size_t i = bound.firstOperand; i < bound.endOperand; ++i) {
    if (places[i].follow == Follow::Nothing)
      continue;
    operands[i].rows = count;
    if (places[i].follow == Follow::Window)
      operands[i].data = places[i].base + first * operands[i].rowBytes;
  }
  for (size_t i = bound.firstCall; i < bound.endCall; ++i)
    calls[i].rows = count;
  weightBytes += bound.weightBytes;
  for (size_t i = bound.firstCall; i < bound.endCall; ++i) {
    if (size_t end = endOfExperts(i); end != i) {
      STRATA_TRY(runExperts(bound.layer, i, end));
      i = end - 1;
      continue;
    }
    STRATA_TRY(binding.device->launch(calls[i]));
    if (recorder && calls[i].operation == schema::Operation::route)
      STRATA_TRY(recordChoices(calls[i], bound.layer, first));
  }
  return {};
}

/// Past the calls that compute a layer's experts, if the call at `first` begins them and they come from the store: from
/// gate and up to down, with what quantises in between; in a prompt one.
size_t BoundProgram::endOfExperts(size_t first) const {
  auto streams = [](const KernelCall &call) {
    return std::any_of(call.reads.begin(), call.reads.end(), [](const BoundOperand &read) { return read.experts; });
  };
  if (!streams(calls[first]))
    return first;
  size_t last = first;
  if (calls[first].operation == schema::Operation::experts_gate_up)
    while (calls[last].operation != schema::Operation::experts_down)
      ++last;
  return last + 1;
}

/// In parts, as experts come from the store. Only the first call can be: what stands between it and the last has its
/// result in the bytes of the first one's operand.
Result<void> BoundProgram::runExperts(uint32_t layer, size_t first, size_t end) {
  const BoundOperand &ids = calls[first].reads[1];
  std::vector<int32_t> &used = binding.experts->ids;
  used.resize(ids.rows * ids.columns);
  STRATA_TRY(binding.device->synchronise());
  STRATA_TRY(binding.device->copyFromDevice(std::as_writable_bytes(std::span(used)), ids.data));
  auto launchPart = [&](const ExpertPart &part) -> Result<void> {
    calls[first].part = &part;
    auto launched = binding.device->launch(calls[first]);
    calls[first].part = nullptr;
    STRATA_TRY(launched);
    return binding.device->synchronise();
  };
  if (program->phase() == schema::Phase::prompt)
    return binding.experts->computeInOrder(layer, used, launchPart);
  auto launchAll = [&]() -> Result<void> {
    STRATA_TRY(binding.experts->computeAsTheyCome(layer, used, launchPart));
    for (size_t i = first + 1; i < end; ++i)
      STRATA_TRY(binding.device->launch(calls[i]));
    return binding.device->synchronise();
  };
  Result<void> launched = launchAll();
  binding.experts->release();
  return launched;
}

/// The numbers are copied at once: the next layer's router may write over them.
Result<void> BoundProgram::recordChoices(const KernelCall &call, uint32_t layer, uint64_t firstRow) {
  const BoundOperand &ids = call.writes[0];
  choices.resize(ids.rows * ids.columns);
  STRATA_TRY(binding.device->synchronise());
  STRATA_TRY(binding.device->copyFromDevice(std::as_writable_bytes(std::span(choices)), ids.data));
  recorder->chosen(routingPhase(program->phase()), layer, firstRow, choices);
  return {};
}

std::byte *BoundProgram::valueOf(schema::Role role) const {
  for (const schema::Value *value : *program->values())
    if (value->role() == role)
      return binding.arenas->base(value->arena()) + value->offsets()->Get(static_cast<uint32_t>(activations));
  return nullptr; // Not reached: A09.
}

} // namespace strata
