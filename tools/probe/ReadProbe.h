// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How fast a file is read.
#pragma once

#include "compiler/Machine/Machine.h"
#include "tools/probe/ProbeFile.h"

#include <chrono>

namespace strata::probe {

struct ReadRequest {
  uint64_t blockBytes = 0;
  uint32_t depth = 1; ///< Reads under way at one time: threads that each wait for theirs.
};

struct ReadResult {
  double bytesPerSecond = 0; ///< 0: not one read succeeded.
  double secondsPerRead = 0; ///< The mean of one read from its call to its end.
};

/// Reads blocks at random places of the first `bytes` of a descriptor for `duration`, but at least one each. What a
/// read returns is looked at for its length only.
ReadResult measureReads(int descriptor, uint64_t bytes, ReadRequest request, std::chrono::duration<double> duration);

/// Makes the page cache forget the file, as far as the system does that.
void forgetCached(const ProbeFile &file);

} // namespace strata::probe
