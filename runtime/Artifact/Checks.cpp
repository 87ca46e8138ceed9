// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"

#include <fmt/format.h>

namespace strata::artifact {

std::string describe(const schema::Program &program, const schema::Block &block, const schema::Dispatch &dispatch) {
  std::string location = dispatch.location() ? fmt::format(" ({})", printable(dispatch.location())) : std::string();
  return fmt::format("{}{} of block {} in the {} program", schema::EnumNameOperation(dispatch.operation()), location,
                     printable(block.name()), schema::EnumNamePhase(program.phase()));
}

std::string describe(const schema::Program &program, const schema::Value &value) {
  return fmt::format("value {} of the {} program", printable(value.name()), schema::EnumNamePhase(program.phase()));
}

bool hasSeveralTiers(const schema::Artifact &artifact) {
  return artifact.experts() && artifact.experts()->size() != 0;
}

bool sees(schema::DeviceKind device, schema::Tier tier) {
  return tier == (device == schema::DeviceKind::host ? schema::Tier::ram : schema::Tier::gpu);
}

bool isTransfer(schema::Operation operation) {
  return operation == schema::Operation::transfer || operation == schema::Operation::wait ||
         operation == schema::Operation::stream;
}

uint32_t rowCapacity(const schema::Settings &settings, schema::Rows rows) {
  switch (rows) {
  case schema::Rows::step:
    return settings.sequences();
  case schema::Rows::chunk:
    return settings.chunk_tokens();
  case schema::Rows::prompt:
    return settings.prompt_tokens();
  case schema::Rows::output:
    break;
  }
  return 1;
}

bool livesThroughout(const schema::Value &value) {
  return value.role() != schema::Role::intermediate && value.role() != schema::Role::logits;
}

} // namespace strata::artifact
