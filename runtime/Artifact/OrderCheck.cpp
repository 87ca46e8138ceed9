// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Artifact/OperationSignatures.h"

#include <fmt/format.h>
#include <vector>

namespace strata::artifact {
namespace {

/// What a value holds at one point of a program.
struct Content {
  bool defined = false;
  uint64_t experts = 0; ///< Numbers of so many experts; 0: something else.
};

/// Walks a program as Exec does, each run once: a second layer finds what the first one found.
class OrderWalk {
public:
  explicit OrderWalk(const schema::Program &walked) : program(walked), contents(walked.values()->size()) {
    for (uint32_t i = 0; i < contents.size(); ++i)
      contents[i].defined = isInput(i);
  }

  Result<void> run() {
    for (const schema::Run *each : *program.runs())
      STRATA_TRY(walkBlock(*program.blocks()->Get(each->block())));
    for (uint32_t i = 0; i < contents.size(); ++i)
      if (valueAt(i).role() == schema::Role::logits && !contents[i].defined)
        return refuse("A21", fmt::format("{} is not written in the last run", describe(program, valueAt(i))));
    return {};
  }

private:
  const schema::Value &valueAt(uint32_t index) const { return *program.values()->Get(index); }
  bool isInput(uint32_t index) const {
    return livesThroughout(valueAt(index)) && valueAt(index).role() != schema::Role::residual;
  }

  Result<void> walkBlock(const schema::Block &block) {
    cacheWritten = false;
    // Nothing but the residual comes from other blocks: their intermediate values lie in the same bytes.
    for (uint32_t i = 0; i < contents.size(); ++i)
      if (!livesThroughout(valueAt(i)))
        contents[i] = {};
    for (const schema::Stage *stage : *block.stages()) {
      forgetOtherRows(stage->rows());
      for (const schema::Dispatch *dispatch : *stage->dispatches()) {
        STRATA_TRY(read(block, *dispatch));
        write(*dispatch);
      }
    }
    return {};
  }

  /// A chunk's and an output row's values hold what the last chunk or row of the stage before left.
  void forgetOtherRows(schema::Rows stage) {
    if (stage != schema::Rows::chunk && stage != schema::Rows::output)
      return;
    for (uint32_t i = 0; i < contents.size(); ++i)
      if (valueAt(i).rows() == stage)
        contents[i] = {};
  }

  Result<void> read(const schema::Block &block, const schema::Dispatch &dispatch) {
    const OperationSignature &signature = operationSignature(dispatch.operation());
    for (uint32_t i = 0; i < signature.reads.size(); ++i) {
      const OperandRule &rule = signature.reads[i];
      const schema::Operand &operand = *dispatch.reads()->Get(i);
      bool scratch = rule.use == OperandUse::Scratch || rule.use == OperandUse::ChunkScratch;
      if (operand.kind() == schema::OperandKind::kv && !cacheWritten)
        return refuse("A21", fmt::format("{} reads the cache before the block has appended to it",
                                         describe(program, block, dispatch)));
      if (operand.kind() != schema::OperandKind::value || scratch)
        continue;
      const Content &content = contents[operand.index()];
      if (!content.defined)
        return refuse("A21", fmt::format("{} reads {} ({}) before it is written", describe(program, block, dispatch),
                                         printable(valueAt(operand.index()).name()), rule.name));
      if (rule.role == OperandRole::Experts && content.experts != dispatch.parameters_as_ExpertParameters()->experts())
        return refuse("A21",
                      fmt::format("the ids of {} ({}) were not made by a route over as many experts",
                                  describe(program, block, dispatch), printable(valueAt(operand.index()).name())));
    }
    return {};
  }

  void write(const schema::Dispatch &dispatch) {
    const OperationSignature &signature = operationSignature(dispatch.operation());
    for (uint32_t i = 0; i < signature.writes.size(); ++i) {
      const schema::Operand &operand = *dispatch.writes()->Get(i);
      if (operand.kind() == schema::OperandKind::kv)
        cacheWritten = true;
      if (operand.kind() != schema::OperandKind::value)
        continue;
      OperandUse use = signature.writes[i].use;
      Content &content = contents[operand.index()];
      content = {use != OperandUse::Scratch && use != OperandUse::ChunkScratch, 0};
      if (dispatch.operation() == schema::Operation::route && i == 0)
        content.experts = valueAt(dispatch.reads()->Get(0)->index()).columns();
      if (dispatch.operation() == schema::Operation::transfer)
        content.experts = contents[dispatch.reads()->Get(0)->index()].experts;
    }
  }

  const schema::Program &program;
  std::vector<Content> contents;
  bool cacheWritten = false;
};

} // namespace

Result<void> checkOrder(const schema::Artifact &artifact) {
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(OrderWalk(*program).run());
  return {};
}

} // namespace strata::artifact
