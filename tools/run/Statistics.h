// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What prompts and decoding took of every tier, beside what the artifact predicted: --stats.
#pragma once

#include "runtime/Exec/Session.h"

#include <optional>
#include <string>

namespace strata::run {

/// What was predicted of as many tokens as a phase had.
struct PhaseGuess {
  std::optional<double> seconds, diskBytes, ramBytes, hitRate;
};

/// What was measured and what was predicted; a figure that is absent was not measured, or not predicted.
struct PhaseReport {
  uint64_t tokens = 0; ///< 0: the phase did not run, and nothing else was measured.
  double seconds = 0;
  /// With experts that are used equally often, prompts with empty caches; and decoding by the artifact's usage counts,
  /// or what is published of siblings.
  PhaseGuess uniform, expected;
  // The disk, and the experts that are read from it.
  std::optional<double> diskBytes;
  std::optional<double> diskWaiting;    ///< Bytes a second while nothing could be computed.
  std::optional<double> diskReading;    ///< Bytes a second while reads were under way.
  std::optional<double> diskOverall;    ///< Bytes a second of all the time.
  std::optional<double> waitingSeconds; ///< While nothing could be computed.
  uint64_t hits = 0, misses = 0;        ///< Of experts.
  std::optional<double> hitRate;
  // RAM: the weights that products read there.
  std::optional<double> ramBytes;
  std::optional<double> ramComputing, ramOverall; ///< Bytes a second while computing, and of all the time.
  uint64_t retries = 0, damagedReads = 0, timeouts = 0, slowReads = 0, quarantined = 0, refused = 0;
};

PhaseReport reportOf(const Session &session, schema::Phase phase);

/// Lines for people.
std::string statisticsText(const Session &session);
/// One line of JSON, whose members docs/store.md names; -1 for what was not measured or not predicted.
std::string statisticsJson(const Session &session);

} // namespace strata::run
