// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Utf8.h"

#include <fmt/format.h>

namespace strata::artifact {

static constexpr size_t kLongestName = 256;

/// An absent name is a valid one.
static Result<void> checkName(const flatbuffers::String *name, std::string_view what) {
  if (!name)
    return {};
  if (name->size() > kLongestName)
    return refuse("A31", fmt::format("the name of a {} has {} bytes, more than {}: {}", what, name->size(),
                                     kLongestName, printable(name)));
  if (!isValidUtf8(name->string_view()))
    return refuse("A31", fmt::format("the name of a {} is not UTF-8: {}", what, printable(name)));
  return {};
}

static Result<void> checkProgramNames(const schema::Program &program) {
  for (const schema::Value *value : *program.values())
    STRATA_TRY(checkName(value->name(), "value"));
  for (const schema::Block *block : *program.blocks()) {
    STRATA_TRY(checkName(block->name(), "block"));
    if (!block->weights())
      continue;
    for (const schema::WeightSlot *weight : *block->weights())
      STRATA_TRY(checkName(weight->name(), "weight"));
  }
  return forEachDispatch(program, [](const schema::Block &, const schema::Stage &, const schema::Dispatch &dispatch) {
    return checkName(dispatch.location(), "dispatch");
  });
}

Result<void> checkNames(const schema::Artifact &artifact) {
  STRATA_TRY(checkName(artifact.compiler_version(), "compiler version"));
  STRATA_TRY(checkName(artifact.machine()->name(), "machine"));
  STRATA_TRY(checkName(artifact.model()->name(), "model"));
  STRATA_TRY(checkName(artifact.model()->architecture(), "model's architecture"));
  for (const schema::ModelFile *file : *artifact.model()->files())
    STRATA_TRY(checkName(file->name(), "model file"));
  for (const schema::Tensor *tensor : *artifact.tensors())
    STRATA_TRY(checkName(tensor->name(), "tensor"));
  for (const schema::TensorClass *tensorClass : *artifact.prediction()->classes())
    STRATA_TRY(checkName(tensorClass->name(), "tensor class"));
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgramNames(*program));
  return {};
}

} // namespace strata::artifact
