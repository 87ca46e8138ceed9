// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "llvm/ADT/Twine.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEOUTLINELAYERS
#include "passes/Moe/Passes.h.inc"

namespace {

/// Puts `*` in the place of the layer's number: "blk.3.attn_norm.weight" becomes "blk.*.attn_norm.weight".
void generaliseWeightNames(Region &body, uint32_t layer) {
  std::string prefix = ("blk." + llvm::Twine(layer) + ".").str();
  body.walk([&](WeightOp weight) {
    StringRef name = weight.getName();
    if (name.consume_front(prefix))
      weight.setName(("blk.*." + name).str());
  });
}

/// The blocks of a module, by what they compute.
class Blocks {
public:
  explicit Blocks(ModuleOp module) : symbolTable(module), builder(module.getContext()) {
    for (auto block : module.getOps<BlockOp>())
      blocks.push_back(block);
    builder.setInsertionPointToStart(module.getBody());
  }

  /// Moves the body of `layer` into a block; into none if there is an equal one.
  BlockOp blockFor(LayerOp layer) {
    generaliseWeightNames(layer.getBody(), layer.getIndex());
    auto *known = llvm::find_if(blocks, [&](BlockOp block) {
      return OperationEquivalence::isRegionEquivalentTo(&block.getBody(), &layer.getBody(),
                                                        OperationEquivalence::IgnoreLocations);
    });
    if (known != blocks.end())
      return *known;
    auto block = BlockOp::create(builder, layer.getLoc(), freeName(layer));
    block.getBody().takeBody(layer.getBody());
    symbolTable.insert(block);
    blocks.push_back(block);
    ++made;
    return block;
  }

  unsigned madeBlocks() const { return made; }

private:
  std::string freeName(LayerOp layer) {
    bool routes = layer.getBody().walk([](RouteOp) { return WalkResult::interrupt(); }).wasInterrupted();
    std::string sort = routes ? "moe_layer" : "dense_layer";
    std::string name = sort;
    for (unsigned kind = 1; symbolTable.lookup(name); ++kind)
      name = sort + "_" + std::to_string(kind);
    return name;
  }

  SymbolTable symbolTable;
  OpBuilder builder;
  SmallVector<BlockOp> blocks;
  unsigned made = 0;
};

/// A layer and the block that computes it.
struct OutlinedLayer {
  LayerOp layer;
  BlockOp block;
};

/// Whether `next` goes on where `last` ends: equal, numbered on, and the only reader of its result.
bool continues(const OutlinedLayer &last, const OutlinedLayer &next) {
  LayerOp from = last.layer, to = next.layer;
  return last.block == next.block && to.getIndex() == from.getIndex() + 1 && to.getInput() == from.getResult() &&
         from.getResult().hasOneUse() && to.getPositions() == from.getPositions();
}

/// Puts one `moe.layers` in the place of consecutive equal layers.
void replaceRun(ArrayRef<OutlinedLayer> run) {
  LayerOp first = run.front().layer, last = run.back().layer;
  BlockOp block = run.front().block;
  OpBuilder builder(last);
  auto layers = LayersOp::create(builder, first.getLoc(), block.getSymName(), first.getInput(), first.getPositions(),
                                 first.getIndex(), static_cast<uint32_t>(run.size()));
  last.getResult().replaceAllUsesWith(layers.getResult());
  for (OutlinedLayer outlined : llvm::reverse(run))
    outlined.layer.erase();
}

struct OutlineLayersPass : impl::MoeOutlineLayersBase<OutlineLayersPass> {
  void runOnOperation() override {
    layers = runs = 0;
    Blocks known(getOperation());
    for (auto model : getOperation().getOps<ModelOp>())
      outline(model, known);
    reportStatistics(getOperation(), getArgument(),
                     {{"layers", layers}, {"blocks", known.madeBlocks()}, {"runs", runs}});
  }

  void outline(ModelOp model, Blocks &known) {
    SmallVector<OutlinedLayer> outlined;
    for (auto layer : model.getBody().getOps<LayerOp>())
      outlined.push_back({layer, known.blockFor(layer)});
    layers += outlined.size();
    for (ArrayRef<OutlinedLayer> rest = outlined; !rest.empty();) {
      size_t count = 1;
      while (count < rest.size() && continues(rest[count - 1], rest[count]))
        ++count;
      replaceRun(rest.take_front(count));
      rest = rest.drop_front(count);
      ++runs;
    }
  }

  unsigned layers = 0;
  unsigned runs = 0;
};

} // namespace
} // namespace strata::moe
