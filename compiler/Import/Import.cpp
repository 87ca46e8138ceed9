// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Import/Import.h"

#include "compiler/Support/TensorTable.h"
#include "dialects/Moe/MoeOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Location.h"

#include <filesystem>

using namespace mlir;

namespace strata {

static moe::HyperParameters hyperParameters(const ModelDescription &description) {
  moe::HyperParameters values;
  values.layers = description.layers;
  values.denseLayers = description.denseLayers;
  values.embedding = description.embedding;
  values.vocabulary = description.vocabulary;
  values.heads = description.heads;
  values.latent = description.latent;
  values.rope = description.rope;
  values.nope = description.nope;
  values.value = description.value;
  values.experts = description.experts;
  values.expertsUsed = description.expertsUsed;
  values.sharedExperts = description.sharedExperts;
  values.expertGroups = description.expertGroups.groups;
  values.expertGroupsUsed = description.expertGroups.used;
  values.contextLength = description.contextLength;
  return values;
}

/// Without its folder, so that a module does not depend on where the file was.
static std::string fileName(const gguf::Model &model) {
  return std::filesystem::path(model.files().front().path).filename().string();
}

namespace {

/// The names of a gated feed-forward network's weights.
struct FfnNames {
  StringRef gate, up, down;
};

/// Emits the ops of a model. Names of weights are without "blk.N." while a layer is emitted.
class ModelImporter {
public:
  ModelImporter(MLIRContext &context, const ModelDescription &modelDescription, const gguf::Model &ggufModel)
      : builder(&context), description(modelDescription), model(ggufModel) {}

  OwningOpRef<ModuleOp> run() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder, locate(fileName(model)));
    builder.setInsertionPointToStart(module->getBody());
    emitModel();
    return failedToImport ? OwningOpRef<ModuleOp>() : std::move(module);
  }

private:
  void emitModel();
  Value emitLayer(uint32_t index, Value input, Value positions);
  Value emitAttention(Value input, moe::LayerOp layer);
  Value emitFfn(Value input, FfnNames names);
  Value emitExperts(Value input);

  Location locate(StringRef name) { return NameLoc::get(builder.getStringAttr(name)); }
  /// Of ops that have no weight: "blk.3.attention".
  Location locatePart(StringRef part) { return locate(fullName(part)); }
  std::string fullName(StringRef name) const { return layerPrefix + name.str(); }

  Value weight(StringRef name);
  Value dequantised(StringRef name) {
    // Folds to the weight itself if that is f32.
    return builder.createOrFold<moe::DequantOp>(locatePart(name), weight(name));
  }
  Value matmul(Value input, StringRef name) {
    return moe::MatmulOp::create(builder, locatePart(name), input, dequantised(name));
  }
  Value rmsNorm(Value input, StringRef name) {
    return moe::RmsNormOp::create(builder, locatePart(name), input.getType(), input, weight(name), epsilon());
  }
  Value add(StringRef part, Value lhs, Value rhs) { return moe::AddOp::create(builder, locatePart(part), lhs, rhs); }

  FloatAttr number(float value) { return builder.getF32FloatAttr(value); }
  FloatAttr epsilon() { return number(description.epsilon); }
  IntegerAttr count(uint32_t value) { return builder.getI32IntegerAttr(static_cast<int32_t>(value)); }

  OpBuilder builder;
  const ModelDescription &description;
  const gguf::Model &model;
  std::string layerPrefix; ///< "blk.3." while layer 3 is emitted.
  bool failedToImport = false;
};

} // namespace

Value ModelImporter::weight(StringRef name) {
  std::string full = fullName(name);
  Location location = locate(full);
  const gguf::TensorInfo *tensor = model.findTensor(full);
  Type element = tensor ? moe::elementTypeOf(tensor->encoding, builder.getContext()) : Type();
  if (!element) {
    // The module is dropped; a type that every op takes lets the import go on to name all such tensors.
    failedToImport = true;
    emitError(location) << "tensor " << escapeName(full) << " is missing or of an encoding without kernels";
    element = builder.getF32Type();
  }
  SmallVector<int64_t> shape;
  if (std::optional<NamedTensor> named = parseTensorName(full))
    for (uint64_t dimension : tensor ? tensor->dimensions : named->spec->dimensions(description))
      shape.push_back(static_cast<int64_t>(dimension));
  return moe::WeightOp::create(builder, location, RankedTensorType::get(shape, element), full);
}

Value ModelImporter::emitFfn(Value input, FfnNames names) {
  Value gate = matmul(input, names.gate);
  Value up = matmul(input, names.up);
  Value activated = moe::SiluOp::create(builder, locatePart(names.gate), gate);
  Value hidden = moe::MulOp::create(builder, locatePart(names.up), activated, up);
  return matmul(hidden, names.down);
}

Value ModelImporter::emitExperts(Value input) {
  Value logits = matmul(input, "ffn_gate_inp.weight");
  Value bias = description.selectionBias ? weight("exp_probs_b.bias") : Value();
  auto gate = description.gate == GateFunction::Sigmoid ? moe::Gate::Sigmoid : moe::Gate::Softmax;
  UnitAttr normalise = description.normaliseExpertWeights ? builder.getUnitAttr() : UnitAttr();
  auto route =
      moe::RouteOp::create(builder, locatePart("router"), logits, bias, moe::GateAttr::get(builder.getContext(), gate),
                           count(description.expertGroups.groups), count(description.expertGroups.used),
                           count(description.expertsUsed), number(description.expertScale), normalise);
  Value routedGate = dequantised("ffn_gate_exps.weight");
  Value routedUp = dequantised("ffn_up_exps.weight");
  Value routedDown = dequantised("ffn_down_exps.weight");
  Value routed = moe::ExpertsOp::create(builder, locatePart("experts"), input.getType(), input, route.getIds(),
                                        route.getWeights(), routedGate, routedUp, routedDown);
  if (description.sharedExperts == 0)
    return routed;
  Value shared = emitFfn(input, {"ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight"});
  return add("experts", routed, shared);
}

Value ModelImporter::emitAttention(Value input, moe::LayerOp layer) {
  Value normed = rmsNorm(input, "attn_norm.weight");
  Value queryLatent = rmsNorm(matmul(normed, "attn_q_a.weight"), "attn_q_a_norm.weight");
  Value query = matmul(queryLatent, "attn_q_b.weight");
  Value kvA = matmul(normed, "attn_kv_a_mqa.weight");
  Value kvNorm = weight("attn_kv_a_norm.weight");
  Value keyB = dequantised("attn_k_b.weight");
  Value valueB = dequantised("attn_v_b.weight");
  Value attended = moe::MlaOp::create(
      builder, locatePart("attention"), query, kvA, kvNorm, keyB, valueB, layer.getBodyPositions(), layer.getBodyKv(),
      count(description.heads), count(description.nope), epsilon(), number(description.softmaxScale),
      number(description.magnitude), builder.getDenseF32ArrayAttr(description.frequencies));
  return matmul(attended, "attn_output.weight");
}

Value ModelImporter::emitLayer(uint32_t index, Value input, Value positions) {
  layerPrefix = "blk." + std::to_string(index) + ".";
  auto kv = moe::KvType::get(builder.getContext(), description.latent, description.rope);
  auto layer = moe::LayerOp::create(builder, locatePart("layer"), index, input, positions, kv);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&layer.getBody().front());
  Value residual = layer.getBodyInput();
  residual = add("attention", residual, emitAttention(residual, layer));
  Value normed = rmsNorm(residual, "ffn_norm.weight");
  Value ffn = index < description.denseLayers ? emitFfn(normed, {"ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"})
                                              : emitExperts(normed);
  moe::YieldOp::create(builder, locatePart("layer"), add("ffn", residual, ffn));
  layerPrefix.clear();
  return layer.getResult();
}

void ModelImporter::emitModel() {
  auto hyper = moe::HyperParametersAttr::get(builder.getContext(), hyperParameters(description));
  auto root = moe::ModelOp::create(builder, locate("model"), "main", hyper);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&root.getBody().front());
  Value rows =
      moe::EmbedOp::create(builder, locate("token_embd.weight"), root.getTokens(), weight("token_embd.weight"));
  for (uint32_t index = 0; index < description.layers; ++index)
    rows = emitLayer(index, rows, root.getPositions());
  Value logits = matmul(rmsNorm(rows, "output_norm.weight"), "output.weight");
  moe::ReturnOp::create(builder, locate("output"), logits);
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const ModelDescription &description, const gguf::Model &model) {
  return ModelImporter(context, description, model).run();
}

} // namespace strata
