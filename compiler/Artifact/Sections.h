// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The sections of an artifact, one writer each. They fill the flatbuffer's object form.
#pragma once

#include "compiler/Artifact/ArtifactWriter.h"
#include "dialects/Plan/PlanOps.h"
#include "runtime/Schema/artifact_generated.h"

#include "llvm/ADT/StringMap.h"

#include <array>
#include <optional>

namespace strata {

/// An enumerator of the plan dialect as the schema's of the same name: they have the same numbers (a test compares
/// them).
template <typename Schema, typename Plan> Schema mirror(Plan enumerator) {
  return static_cast<Schema>(enumerator);
}

/// "blk.*.attn_norm.weight" of layer 3: "blk.3.attn_norm.weight". Other names stay.
std::string nameInLayer(llvm::StringRef pattern, uint32_t layer);

/// The error of a plan that passed its verifier and cannot be written all the same.
tl::unexpected<Error> planError(std::string message);

schema::ModelT modelSection(const ArtifactSource &source);
schema::PredictionT predictionSection(const Inventory &inventory, const ModelDescription &description,
                                      const schema::ArtifactT &artifact);

/// Indices of what a plan names by symbols.
struct SymbolIndices {
  llvm::StringMap<uint32_t> arenas;
  llvm::StringMap<uint32_t> kernels;
};

/// The weight table written out: the tensors that the plan has lines for, in the order of the file, with their places
/// in the weights arena.
class TensorSection {
public:
  static Result<TensorSection> make(mlir::ModuleOp plan, const gguf::Model &model, const SymbolIndices &indices);

  /// The index of a tensor; nothing if the plan has no line for it.
  std::optional<uint32_t> find(llvm::StringRef name) const;
  std::vector<std::unique_ptr<schema::TensorT>> tensors;
  std::array<uint64_t, 2> arenaBytes = {}; ///< Of the weights arena, by tier: gpu, ram.

private:
  llvm::StringMap<uint32_t> indices;
};

Result<schema::ProgramT> programSection(plan::ProgramOp program, const TensorSection &tensors,
                                        const SymbolIndices &indices);

/// plan.experts and plan.budget.
std::vector<std::unique_ptr<schema::LayerExpertsT>> expertSections(mlir::ModuleOp plan);
std::vector<std::unique_ptr<schema::TierBudgetT>> budgetSections(mlir::ModuleOp plan);
/// What the planner predicts, into the prediction's section.
void addEstimates(schema::PredictionT &section, const Prediction &prediction);

/// All kernels of the plan, with what was compiled of them.
Result<std::vector<std::unique_ptr<schema::KernelT>>> kernelSections(mlir::ModuleOp plan,
                                                                     std::span<const CompiledKernel> compiled);

/// The parameters of a dispatch as the schema's union; NoParameters where it has none.
schema::ParametersUnion parametersOf(plan::DispatchOp dispatch);

} // namespace strata
