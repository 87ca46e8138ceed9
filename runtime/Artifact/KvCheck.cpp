// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Checked.h"
#include "runtime/Schema/SlotBytes.h"

#include <fmt/format.h>
#include <limits>

namespace strata::artifact {

/// docs/numbers.md: the order of attention's sums is made of blocks of so many positions.
static constexpr uint32_t kBlockPositions = 64;
static constexpr uint32_t kMostLayers = 4096;
/// Positions, rows and sequences are 32-bit signed numbers in the values that Exec writes.
static constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();

static Result<void> checkRange(uint64_t number, uint64_t most, std::string_view what) {
  if (number >= 1 && number <= most)
    return {};
  return refuse("A22", fmt::format("{} is {} and must be from 1 to {}", what, number, most));
}

static Result<void> checkEqual(uint64_t number, Checked expected, std::string_view what, std::string_view because) {
  if (expected.valid() && number == expected.value())
    return {};
  return refuse("A22",
                fmt::format("the KV cache has {} {} and must have {}, {}", number, what,
                            expected.valid() ? std::to_string(expected.value()) : "more than 64 bits hold", because));
}

static Result<void> checkSettings(const schema::Settings &settings) {
  STRATA_TRY(checkRange(settings.context(), kMost, "the context"));
  STRATA_TRY(checkRange(settings.sequences(), kMost, "the number of sequences"));
  STRATA_TRY(checkRange(settings.prompt_tokens(), kMost, "the number of prompt tokens"));
  return checkRange(settings.chunk_tokens(), kMost, "the number of chunk tokens");
}

static Result<void> checkMachine(const schema::Machine &machine) {
  if (machine.read_depth() <= kMostReadDepth)
    return {};
  return refuse(
      "A22", fmt::format("the number of reads at one time is {} and may be {}", machine.read_depth(), kMostReadDepth));
}

Result<void> checkKvLayout(const schema::Artifact &artifact) {
  const schema::Settings &settings = *artifact.settings();
  const schema::KvLayout &kv = *artifact.kv();
  const schema::Model &model = *artifact.model();
  STRATA_TRY(checkSettings(settings));
  STRATA_TRY(checkMachine(*artifact.machine()));
  STRATA_TRY(checkRange(kv.layers(), kMostLayers, "the number of layers"));
  STRATA_TRY(checkRange(kv.latent(), kMost, "the KV cache's latent size"));
  STRATA_TRY(checkRange(kv.rope(), kMost, "the KV cache's rotated size"));
  STRATA_TRY(checkEqual(kv.block_positions(), kBlockPositions, "positions in a block", "as all have"));
  STRATA_TRY(checkEqual(kv.layers(), model.layers(), "layers", "as the model"));
  if (kv.gpu_layers() > kv.layers())
    return refuse("A22", fmt::format("the KV cache has {} layers on the GPU of {}", kv.gpu_layers(), kv.layers()));
  Checked blocks = (Checked(settings.context()) + (kBlockPositions - 1)) / kBlockPositions;
  STRATA_TRY(checkEqual(kv.blocks_per_sequence(), blocks, "blocks for each sequence",
                        fmt::format("for a context of {}", settings.context())));
  STRATA_TRY(checkRange(kv.blocks(), kMost, "the number of position blocks"));
  return checkEqual(kv.blocks(), blocks * settings.sequences(), "blocks",
                    fmt::format("for {} sequences", settings.sequences()));
}

} // namespace strata::artifact
