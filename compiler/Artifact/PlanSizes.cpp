// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/PlanSizes.h"

#include "compiler/Artifact/Sections.h"
#include "runtime/Device/Host/Scratch.h"

#include <fmt/format.h>

namespace strata {

/// The shape that the host device's scratch for a dispatch depends on.
static HostScratchShape scratchShape(plan::DispatchOp dispatch, plan::KvType kv) {
  HostScratchShape shape;
  shape.operation = mirror<schema::Operation>(dispatch.getKind());
  shape.latent = static_cast<uint64_t>(kv.getLatent());
  shape.rope = static_cast<uint64_t>(kv.getRope());
  if (auto route = mlir::dyn_cast_or_null<plan::RouteParametersAttr>(dispatch.getParametersAttr())) {
    shape.experts = static_cast<uint64_t>(mlir::cast<plan::BufferType>(dispatch.getReads()[0].getType()).getColumns());
    shape.groups = route.getGroups();
  }
  return shape;
}

Checked workerScratchBytes(mlir::ModuleOp plan) {
  auto caches = plan.getOps<plan::KvCacheOp>();
  if (caches.empty())
    return Checked(-1);
  auto kv = mlir::cast<plan::KvType>((*caches.begin()).getResult().getType());
  Checked largest = 0;
  plan.walk([&](plan::DispatchOp dispatch) {
    Checked bytes = hostWorkerScratchBytes(scratchShape(dispatch, kv));
    if (!bytes.valid() || !bytes.atMost(largest))
      largest = bytes;
  });
  return largest;
}

uint64_t weightArenaBytes(mlir::ModuleOp plan) {
  uint64_t bytes = 0;
  for (auto arena : plan.getOps<plan::ArenaOp>())
    if (arena.getKind() == plan::ArenaKind::weights && arena.getBytes())
      bytes += static_cast<uint64_t>(arena.getBytes()->getValues()[0]);
  return bytes;
}

Result<std::vector<ArenaNeed>> arenaNeeds(mlir::ModuleOp plan, uint32_t workers) {
  std::vector<ArenaNeed> needs;
  for (auto arena : plan.getOps<plan::ArenaOp>()) {
    if (arena.getKind() != plan::ArenaKind::decode && arena.getKind() != plan::ArenaKind::prompt &&
        arena.getKind() != plan::ArenaKind::chunk)
      continue;
    plan::SettingsOp settings = plan::SettingsOp::lookup(arena);
    if (!settings || !arena.getBytes() || !arena.getLive())
      return planError(fmt::format("arena @{} has no size", arena.getSymName().str()));
    bool decode = arena.getKind() == plan::ArenaKind::decode;
    auto chosen = static_cast<size_t>(decode ? settings.getDecodeActivations() : settings.getPromptActivations());
    needs.push_back({arena.getSymName().str(), static_cast<uint64_t>(arena.getBytes()->getValues()[chosen]),
                     static_cast<uint64_t>(arena.getLive()->getValues()[chosen])});
  }
  Checked scratch = workerScratchBytes(plan) * workers;
  if (!scratch.valid())
    return planError("it has no KV cache");
  needs.push_back({"worker scratch", scratch.value(), scratch.value()});
  return needs;
}

} // namespace strata
