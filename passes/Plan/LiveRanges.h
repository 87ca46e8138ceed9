// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where in a program its buffers are live.
#pragma once

#include "dialects/Plan/PlanOps.h"

#include <vector>

namespace strata::plan {

/// A buffer and the times [begin, end) at which its content matters. Times count a program's steps, in the order
/// in which its blocks stand. A buffer that nothing touches has begin == end.
struct LiveRange {
  BufferOp buffer;
  unsigned begin = 0;
  unsigned end = 0;

  bool meets(const LiveRange &other) const { return begin < other.end && other.begin < end; }
};

/// The live ranges of all buffers of a program, in the order in which they stand:
///  - a buffer of the program: always;
///  - of a block, with `prompt` rows: from the beginning of the first to the end of the last stage that touches it, as
///    stages run once for every chunk or row;
///  - of a block, copied to from another device: from the block's beginning to its end, as that device works beside;
///  - of a block, with other rows: from the first to the last dispatch that touches it.
std::vector<LiveRange> computeLiveRanges(ProgramOp program);

} // namespace strata::plan
