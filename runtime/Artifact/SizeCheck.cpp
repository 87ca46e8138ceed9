// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Checked.h"
#include "runtime/Weights/Encoding.h"

#include <fmt/format.h>
#include <limits>

namespace strata::artifact {

/// Kernels take weights of up to three dimensions.
static constexpr uint32_t kMostDimensions = 3;

/// The bytes of all rows; invalid if a row is no whole number of blocks, or if they overflow.
static Result<Checked> encodedSize(const flatbuffers::Vector<uint64_t> &dimensions, uint32_t encoding,
                                   const std::string &what) {
  if (dimensions.size() == 0 || dimensions.size() > kMostDimensions)
    return refuse("A18", fmt::format("{} has {} dimensions and not 1 to {}", what, dimensions.size(), kMostDimensions));
  Checked rows = 1;
  for (uint64_t dimension : dimensions)
    if (dimension == 0)
      return refuse("A18", fmt::format("{} has a dimension of 0", what));
  for (uint32_t i = 0; i + 1 < dimensions.size(); ++i)
    rows *= dimensions[i];
  Checked bytes = encodedBytes(static_cast<Encoding>(encoding), dimensions[dimensions.size() - 1], rows);
  if (!bytes.valid())
    return refuse("A18", fmt::format("the dimensions of {} make no valid number of bytes in {}", what,
                                     encodingInfo(static_cast<Encoding>(encoding)).name));
  return bytes;
}

static Result<void> checkTensor(const schema::Artifact &artifact, const schema::Tensor &tensor) {
  std::string what = "tensor " + printable(tensor.name());
  STRATA_ASSIGN(Checked bytes, encodedSize(*tensor.dimensions(), tensor.encoding(), what));
  if (bytes.value() != tensor.bytes())
    return refuse("A18",
                  fmt::format("{} has {} bytes and its dimensions make {}", what, tensor.bytes(), bytes.value()));
  const schema::ModelFile &file = *artifact.model()->files()->Get(tensor.file());
  if (!(Checked(tensor.offset()) + tensor.bytes()).atMost(file.file_bytes()))
    return refuse("A19", fmt::format("{} (offset {}, {} bytes) reaches beyond its file's {} bytes", what,
                                     tensor.offset(), tensor.bytes(), file.file_bytes()));
  return {};
}

static Result<void> checkValue(const schema::Program &program, const schema::Value &value) {
  if (value.columns() == 0)
    return refuse("A18", fmt::format("{} has no columns", describe(program, value)));
  if (value.element() == schema::Element::activation && value.columns() % 32 != 0)
    return refuse("A18", fmt::format("{} has {} columns, which is no whole number of blocks of 32",
                                     describe(program, value), value.columns()));
  return {};
}

static Result<void> checkProgram(const schema::Program &program) {
  for (const schema::Value *value : *program.values())
    STRATA_TRY(checkValue(program, *value));
  for (const schema::Block *block : *program.blocks()) {
    if (!block->weights())
      continue;
    for (const schema::WeightSlot *weight : *block->weights())
      STRATA_TRY(encodedSize(*weight->dimensions(), weight->encoding(), "weight " + printable(weight->name())));
  }
  return {};
}

Result<void> checkSizes(const schema::Artifact &artifact) {
  for (const schema::ModelFile *file : *artifact.model()->files())
    if (file->file_bytes() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return refuse("A18", fmt::format("model file {} has {} bytes, more than a file can have", printable(file->name()),
                                       file->file_bytes()));
  for (const schema::Tensor *tensor : *artifact.tensors())
    STRATA_TRY(checkTensor(artifact, *tensor));
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgram(*program));
  return {};
}

} // namespace strata::artifact
