// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Moe/WeightShapes.h"
#include "passes/Statistics.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEVERIFYMODEL
#include "passes/Moe/Passes.h.inc"

namespace {

/// Collects what is wrong with a model.
class ModelChecker {
public:
  explicit ModelChecker(ModelOp model) : model(model), sizes(model.getHyperParameters()) {}

  void check() {
    for (auto weight : model.getBody().getOps<WeightOp>())
      checkWeight(weight, weight.getName(), modelWeights);
    uint32_t expected = 0;
    for (auto layer : model.getBody().getOps<LayerOp>()) {
      if (layer.getIndex() != expected)
        problem(layer, "layer " + Twine(layer.getIndex()) + " stands where layer " + Twine(expected) + " is expected");
      checkLayer(layer);
      ++expected;
    }
    if (expected != sizes.getLayers())
      problem(model,
              "the model has " + Twine(expected) + " layers, but the hyper-parameters say " + Twine(sizes.getLayers()));
  }

  /// All problems as one error; success if there are none.
  LogicalResult report() {
    if (problems.empty())
      return success();
    InFlightDiagnostic error = model.emitError() << "the model has " << problems.size()
                                                 << (problems.size() == 1 ? " problem" : " problems");
    for (const auto &[location, text] : problems)
      error.attachNote(location) << text;
    return failure();
  }

  unsigned checkedWeights() const { return weights; }

private:
  void problem(Operation *op, const Twine &text) { problems.emplace_back(op->getLoc(), text.str()); }

  /// `name` is the weight's name in its layer; `seen` has those of the layer that came before.
  void checkWeight(WeightOp weight, StringRef name, llvm::StringSet<> &seen) {
    ++weights;
    if (!seen.insert(name).second)
      problem(weight, "weight '" + weight.getName() + "' is there twice");
    SmallVector<uint64_t> expected = expectedShape(sizes, name);
    if (expected.empty())
      return problem(weight, "weight '" + weight.getName() + "' is none that the model can have");
    ArrayRef<int64_t> shape = weight.getType().getShape();
    bool fits = shape.size() == expected.size() && llvm::all_of(llvm::zip(shape, expected), [](auto sizes) {
                  auto [size, expectedSize] = sizes;
                  return expectedSize == kAnySize || static_cast<uint64_t>(size) == expectedSize;
                });
    if (!fits)
      problem(weight, "weight '" + weight.getName() + "' has shape " + shapeText(shape) +
                          ", but the hyper-parameters make it " + shapeText(expected));
  }

  template <typename Range> static std::string shapeText(const Range &shape) {
    std::string text = "[";
    for (auto size : shape)
      text += (text.size() > 1 ? ", " : "") + (size == kAnySize ? std::string("any") : std::to_string(size));
    return text + "]";
  }

  void checkLayer(LayerOp layer) {
    std::string prefix = ("blk." + Twine(layer.getIndex()) + ".").str();
    llvm::StringSet<> seen;
    for (auto weight : layer.getBody().getOps<WeightOp>()) {
      StringRef name = weight.getName();
      if (name.consume_front(prefix))
        checkWeight(weight, name, seen);
      else
        problem(weight, "weight '" + weight.getName() + "' is in layer " + Twine(layer.getIndex()));
    }
    for (StringRef name : requiredWeights(sizes, layer.getIndex()))
      if (!seen.contains(name))
        problem(layer, "layer " + Twine(layer.getIndex()) + " has no weight '" + prefix + name + "'");
    // Queries come from one matrix, or through a narrow one.
    if (!seen.contains("attn_q.weight") && !seen.contains("attn_q_b.weight"))
      problem(layer, "layer " + Twine(layer.getIndex()) + " has neither '" + prefix + "attn_q.weight' nor '" + prefix +
                         "attn_q_b.weight'");
    checkState(layer);
  }

  /// The cache, the heads and the router.
  void checkState(LayerOp layer) {
    auto kv = cast<KvType>(layer.getBodyKv().getType());
    checkSize(layer, "the cache's latent numbers", kv.getLatent(), sizes.getLatent());
    checkSize(layer, "the cache's rotated numbers", kv.getRope(), sizes.getRope());
    for (auto attention : layer.getBody().getOps<MlaOp>()) {
      checkSize(attention, "the attention's heads", attention.getHeads(), sizes.getHeads());
      checkSize(attention, "the numbers of a head that are not rotated", attention.getNope(), sizes.getNope());
    }
    for (auto route : layer.getBody().getOps<RouteOp>()) {
      checkSize(route, "the router's experts", columnsOf(route.getLogits().getType()), sizes.getExperts());
      checkSize(route, "the experts used", route.getExpertsUsed(), sizes.getExpertsUsed());
      checkSize(route, "the router's groups", route.getGroups(), sizes.getExpertGroups());
      checkSize(route, "the groups used", route.getGroupsUsed(), sizes.getExpertGroupsUsed());
    }
  }

  void checkSize(Operation *op, StringRef what, uint64_t size, uint64_t expected) {
    if (size != expected)
      problem(op, what + " are " + Twine(size) + ", but the hyper-parameters make them " + Twine(expected));
  }

  ModelOp model;
  HyperParametersAttr sizes;
  llvm::StringSet<> modelWeights;
  SmallVector<std::pair<Location, std::string>> problems;
  unsigned weights = 0;
};

struct VerifyModelPass : impl::MoeVerifyModelBase<VerifyModelPass> {
  void runOnOperation() override {
    unsigned weights = 0;
    for (auto model : getOperation().getOps<ModelOp>()) {
      ModelChecker checker(model);
      checker.check();
      weights += checker.checkedWeights();
      if (failed(checker.report()))
        signalPassFailure();
    }
    reportStatistics(getOperation(), getArgument(), {{"weights", weights}});
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace strata::moe
