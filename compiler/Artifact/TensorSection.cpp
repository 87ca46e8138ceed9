// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"

#include "dialects/Moe/MoeTypes.h"

#include <fmt/format.h>
#include <set>

namespace strata {

std::string nameInLayer(llvm::StringRef pattern, uint32_t layer) {
  auto [before, after] = pattern.split('*');
  if (before.size() == pattern.size())
    return pattern.str();
  return (before + llvm::Twine(layer) + after).str();
}

tl::unexpected<Error> planError(std::string message) {
  return fail(ExitCode::Bug, "", "the plan cannot be written: " + std::move(message) + "; please report this");
}

/// True if the plan's type for a weight is what the file has.
static bool hasType(const gguf::TensorInfo &tensor, mlir::RankedTensorType type) {
  std::optional<Encoding> encoding = moe::encodingOf(type.getElementType());
  return encoding == tensor.encoding && static_cast<size_t>(type.getRank()) == tensor.dimensions.size() &&
         std::equal(tensor.dimensions.begin(), tensor.dimensions.end(), type.getShape().begin(),
                    [](uint64_t found, int64_t planned) { return found == static_cast<uint64_t>(planned); });
}

Result<TensorSection> TensorSection::make(mlir::ModuleOp plan, const gguf::Model &model, const SymbolIndices &indices) {
  llvm::StringMap<plan::TensorOp> lines;
  for (auto line : plan.getOps<plan::TensorOp>()) {
    uint32_t first = line.getFirstLayer().value_or(0);
    for (uint32_t layer = first; layer < first + line.getTensorCount(); ++layer)
      lines[nameInLayer(line.getName(), layer)] = line;
  }

  TensorSection section;
  std::array<Checked, 2> ends = {};
  for (const gguf::TensorInfo &tensor : model.tensors()) {
    auto found = lines.find(tensor.name);
    if (found == lines.end())
      continue;
    plan::TensorOp line = found->second;
    if (!hasType(tensor, mlir::cast<mlir::RankedTensorType>(line.getType())))
      return planError(fmt::format("tensor \"{}\" is not of the type that the plan says", escapeName(tensor.name)));
    auto entry = std::make_unique<schema::TensorT>();
    entry->name = tensor.name;
    entry->file = tensor.file;
    entry->offset = tensor.offset;
    entry->bytes = tensor.bytes;
    entry->encoding = static_cast<uint32_t>(tensor.encoding);
    entry->dimensions = tensor.dimensions;
    entry->tier = line.getTier() ? mirror<schema::Tier>(*line.getTier()) : schema::Tier::disk;
    if (line.getRepack())
      entry->repack = static_cast<int32_t>(indices.kernels.lookup(*line.getRepack()));
    if (entry->tier != schema::Tier::disk) {
      Checked &end = ends[entry->tier == schema::Tier::ram];
      entry->arena_offset = end.value();
      end = (end + tensor.bytes).alignUp(plan::kAlignment);
    }
    section.indices[tensor.name] = static_cast<uint32_t>(section.tensors.size());
    section.tensors.push_back(std::move(entry));
  }
  if (section.tensors.size() != lines.size())
    return planError(
        fmt::format("the weight table has {} tensors, the model {} of them", lines.size(), section.tensors.size()));
  for (size_t i = 0; i < ends.size(); ++i) {
    if (!ends[i].valid())
      return planError("the weights are larger than an arena can be");
    section.arenaBytes[i] = ends[i].value();
  }
  return section;
}

std::optional<uint32_t> TensorSection::find(llvm::StringRef name) const {
  auto found = indices.find(name);
  if (found == indices.end())
    return std::nullopt;
  return found->second;
}

} // namespace strata
