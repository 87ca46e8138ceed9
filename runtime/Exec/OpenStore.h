// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The expert store that an artifact's plan asks for.
#pragma once

#include "runtime/Exec/ExpertFeed.h"
#include "runtime/Exec/Session.h"
#include "runtime/Weights/WeightFile.h"

#include <memory>

namespace strata {

/// The back end that reads the experts, and their way to the operations.
struct StreamedExperts {
  std::unique_ptr<Reads> reads; ///< Outlives the store.
  std::unique_ptr<ExpertFeed> feed;
};

/// What a plan over several tiers needs beside its arenas; nothing in it for a plan in one tier. `files` outlives it.
/// Reads the pinned experts, which `progress` is told of. Exit code 3 if the disk or the memory refuses, and as the
/// store's create and loadPinned fail.
Result<StreamedExperts> openExperts(const schema::Artifact &artifact, const gguf::Model &model,
                                    const WeightFiles &files, const SessionOptions &options);

/// Of a plan over several tiers, else of nothing.
ExpertFeedShape feedShape(const schema::Artifact &artifact);

} // namespace strata
