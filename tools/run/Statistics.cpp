// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Statistics.h"

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Base/Size.h"

#include <fmt/format.h>

namespace strata::run {

static std::string describePhase(const char *name, const ExpertReads &reads) {
  if (reads.tokens == 0)
    return fmt::format("{}: not measured\n", name);
  uint64_t wanted = reads.hits + reads.misses;
  double waiting = std::chrono::duration<double>(reads.waiting).count();
  return fmt::format(
      "{}: {} tokens; {} of {} experts were in memory ({:.1f} %); {} read; {:.3f} s waiting for the disk\n", name,
      reads.tokens, reads.hits, wanted,
      wanted == 0 ? 100.0 : 100.0 * static_cast<double>(reads.hits) / static_cast<double>(wanted),
      formatBytes(reads.bytesRead), waiting);
}

std::string expertStatistics(const Session &session) {
  if (session.readsDescription().empty())
    return "stats: all weights are in memory: nothing was read for an answer\n";
  const schema::TokenEstimate &uniform = *session.artifact().root().prediction()->uniform();
  return describePhase("stats: prompt", session.expertReads(schema::Phase::prompt)) +
         describePhase("stats: decode", session.expertReads(schema::Phase::decode)) +
         fmt::format("stats: predicted for decoding, all experts used equally: {:.1f} % in memory, {} from the disk a "
                     "token\n",
                     100 * uniform.hit_rate(), formatBytes(static_cast<uint64_t>(uniform.disk_expert_bytes())));
}

} // namespace strata::run
