// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Checked.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::artifact {

/// Exec binds every dispatch of every layer when it loads.
static constexpr uint64_t kMostCalls = 200'000;

static std::string nameOf(const schema::Program &program) {
  return fmt::format("the {} program", schema::EnumNamePhase(program.phase()));
}

/// "blk.*.attn_norm.weight" is "blk.7.attn_norm.weight" in layer 7.
static std::string nameInLayer(const schema::WeightSlot &weight, uint32_t layer) {
  std::string name = weight.name()->str();
  if (size_t star = name.find('*'); star != std::string::npos)
    name.replace(star, 1, std::to_string(layer));
  return name;
}

static Result<void> checkTensor(const schema::WeightSlot &weight, const schema::Tensor &tensor, uint32_t layer) {
  std::string name = nameInLayer(weight, layer);
  if (name != tensor.name()->string_view())
    return refuse("A20", fmt::format("the weight {} of layer {} is bound to tensor {}", escapeName(name), layer,
                                     printable(tensor.name())));
  bool same =
      weight.encoding() == tensor.encoding() && std::equal(weight.dimensions()->begin(), weight.dimensions()->end(),
                                                           tensor.dimensions()->begin(), tensor.dimensions()->end());
  if (!same)
    return refuse("A20", fmt::format("tensor {} has not the encoding and the dimensions that its block takes",
                                     printable(tensor.name())));
  return {};
}

/// The weight table: for every layer the tensor of every weight of the block.
static Result<void> checkWeightTable(const schema::Artifact &artifact, const schema::Program &program,
                                     const schema::Run &run) {
  const schema::Block &block = *program.blocks()->Get(run.block());
  uint32_t weights = block.weights() ? block.weights()->size() : 0;
  uint32_t entries = run.tensors() ? run.tensors()->size() : 0;
  if (uint64_t(weights) * run.layers() != entries)
    return refuse("A17", fmt::format("a run of block {} in {} has {} tensors for {} layers of {} weights",
                                     printable(block.name()), nameOf(program), entries, run.layers(), weights));
  for (uint32_t i = 0; i < entries; ++i) {
    uint32_t tensor = run.tensors()->Get(i);
    if (tensor >= artifact.tensors()->size())
      return refuse("A17", fmt::format("a run of block {} in {} refers to tensor {} of {}", printable(block.name()),
                                       nameOf(program), tensor, artifact.tensors()->size()));
    STRATA_TRY(checkTensor(*block.weights()->Get(i % weights), *artifact.tensors()->Get(tensor),
                           run.first_layer() + i / weights));
  }
  return {};
}

/// True for the run that hands values over from one device's layers to the other's: it computes nothing.
static bool isHandOver(const schema::Artifact &artifact, const schema::Program &program, const schema::Run &run) {
  const schema::Block &block = *program.blocks()->Get(run.block());
  if (!hasSeveralTiers(artifact) || run.per_layer())
    return false;
  for (const schema::Stage *stage : *block.stages())
    for (const schema::Dispatch *dispatch : *stage->dispatches())
      if (!isTransfer(dispatch->operation()))
        return false;
  return true;
}

/// The beginning of the model, then every layer once and in order, then its end.
static Result<void> checkLayers(const schema::Artifact &artifact, const schema::Program &program) {
  uint32_t next = 0;
  const auto &runs = *program.runs();
  for (uint32_t i = 0; i < runs.size(); ++i) {
    const schema::Run &run = *runs[i];
    bool end = i == 0 || i + 1 == runs.size();
    bool handsOver = !end && isHandOver(artifact, program, run);
    if (run.per_layer() == end && !handsOver)
      return refuse("A22", fmt::format("{} must begin and end with a run that is no layer's, and run layers between",
                                       nameOf(program)));
    uint64_t layers = run.layers();
    bool fits = end || handsOver ? run.first_layer() == 0 && layers == 1
                                 : run.first_layer() == next && layers >= 1 && layers <= artifact.kv()->layers() - next;
    if (!fits)
      return refuse("A22", fmt::format("{} runs {} layers from layer {} on where layer {} of {} is next",
                                       nameOf(program), layers, run.first_layer(), next, artifact.kv()->layers()));
    if (run.per_layer())
      next += run.layers();
  }
  if (next != artifact.kv()->layers() || runs.size() < 3)
    return refuse("A22", fmt::format("{} runs {} of {} layers", nameOf(program), next, artifact.kv()->layers()));
  return {};
}

static Result<void> checkUnrolled(const schema::Program &program) {
  if (program.blocks()->size() > program.runs()->size())
    return refuse("A07", fmt::format("{} has {} blocks for {} runs", nameOf(program), program.blocks()->size(),
                                     program.runs()->size()));
  Checked calls;
  for (const schema::Run *run : *program.runs())
    for (const schema::Stage *stage : *program.blocks()->Get(run->block())->stages())
      calls += Checked(run->layers()) * stage->dispatches()->size();
  if (calls.atMost(kMostCalls))
    return {};
  return refuse("A07", fmt::format("{} has more than {} dispatches over all layers", nameOf(program), kMostCalls));
}

/// Rows that are wanted one by one are made at the model's end.
static Result<void> checkOutputStages(const schema::Program &program) {
  const auto &runs = *program.runs();
  for (uint32_t i = 0; i + 1 < runs.size(); ++i)
    for (const schema::Stage *stage : *program.blocks()->Get(runs[i]->block())->stages())
      if (stage->rows() == schema::Rows::output)
        return refuse("A21", fmt::format("{} has an output stage before its last run", nameOf(program)));
  return {};
}

Result<void> checkRuns(const schema::Artifact &artifact) {
  for (const schema::Program *program : *artifact.programs()) {
    STRATA_TRY(checkLayers(artifact, *program));
    STRATA_TRY(checkUnrolled(*program));
    STRATA_TRY(checkOutputStages(*program));
    for (const schema::Run *run : *program->runs())
      STRATA_TRY(checkWeightTable(artifact, *program, *run));
  }
  return {};
}

} // namespace strata::artifact
