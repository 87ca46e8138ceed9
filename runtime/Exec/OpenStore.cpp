// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/OpenStore.h"

#include "runtime/Memory/Arenas.h"
#include "runtime/Memory/PlannedExperts.h"

#include <algorithm>

namespace strata {

/// The store's part of the arenas is what the plan counts for it: a slot of the staging arena is the largest expert's.
static uint32_t sharedSlots(const schema::Artifact &artifact, const ExpertCatalogue &catalogue) {
  uint64_t largest = 0, staging = 0;
  for (const ExpertLayer &layer : catalogue.layers())
    largest = std::max(largest, slotBytes(layer).value());
  for (const schema::Arena *arena : *artifact.arenas())
    if (arena->kind() == schema::ArenaKind::staging && arena->tier() == schema::Tier::ram)
      staging += arena->bytes()->Get(0);
  return largest == 0 ? 0 : static_cast<uint32_t>(std::min<uint64_t>(staging / largest, catalogue.experts()));
}

static std::vector<LayerBuffers> layerBuffers(const schema::Artifact &artifact) {
  std::vector<LayerBuffers> layers;
  for (const schema::LayerExperts *line : *artifact.experts())
    for (uint32_t layer = 0; layer < line->layers(); ++layer) {
      LayerBuffers buffers = {line->first_layer() + layer, line->slots(), {}, {}};
      forEachExpert(line->pinned(), [&](uint32_t expert) { buffers.pinned.push_back(expert); });
      layers.push_back(std::move(buffers));
    }
  return layers;
}

ExpertFeedShape feedShape(const schema::Artifact &artifact) {
  if (!artifact.experts())
    return {};
  const schema::Model &model = *artifact.model();
  const schema::Settings &settings = *artifact.settings();
  return {model.experts(), std::max(settings.prompt_tokens(), settings.sequences()), model.experts_used()};
}

static ExpertStoreOptions storeOptions(const schema::Artifact &artifact, const ExpertCatalogue &catalogue,
                                       const gguf::Model &model, const SessionOptions &options) {
  ExpertStoreOptions store;
  store.layers = layerBuffers(artifact);
  store.sharedSlots = sharedSlots(artifact, catalogue);
  const schema::Model &shape = *artifact.model();
  store.wantedAtOnce = static_cast<uint32_t>(
      std::min<uint64_t>(uint64_t(artifact.settings()->sequences()) * shape.experts_used(), shape.experts()));
  store.readTimeout = options.readTimeout;
  for (const gguf::FileInfo &file : model.files())
    store.files.push_back(file.path);
  return store;
}

static Result<std::unique_ptr<Reads>> makeReads(const schema::Artifact &artifact, const WeightFiles &files,
                                                const ExpertStoreOptions &store, const SessionOptions &options) {
  if (options.makeReads)
    return options.makeReads(files);
  ReadOptions reads;
  reads.backend = options.readBackend;
  for (uint32_t depth : {artifact.machine()->read_depth(), options.readDepth})
    reads.depth = depth != 0 ? depth : reads.depth;
  size_t slots = store.sharedSlots;
  for (const LayerBuffers &layer : store.layers)
    slots += layer.slots + layer.pinned.size();
  reads.capacity = std::max<size_t>(slots * kExpertMatrices, kLoadReads + 1);
  return openReads(files, reads);
}

Result<StreamedExperts> openExperts(const schema::Artifact &artifact, const gguf::Model &model,
                                    const WeightFiles &files, const SessionOptions &options) {
  StreamedExperts opened;
  if (!artifact.experts())
    return opened;
  STRATA_ASSIGN(ExpertCatalogue catalogue, ExpertCatalogue::of(model, options.checksums.get()));
  ExpertStoreOptions planned = storeOptions(artifact, catalogue, model, options);
  STRATA_ASSIGN(opened.reads, makeReads(artifact, files, planned, options));
  CachePolicyKind policy = cachePolicyOf(artifact.experts()->Get(0)->policy()); // The same for all layers.
  STRATA_ASSIGN(std::unique_ptr<ExpertStore> store,
                ExpertStore::create(std::move(catalogue), *opened.reads, makeCachePolicy(policy), std::move(planned)));
  opened.feed = std::make_unique<ExpertFeed>(std::move(store), feedShape(artifact), options.waitForAllExperts);
  return opened;
}

} // namespace strata
