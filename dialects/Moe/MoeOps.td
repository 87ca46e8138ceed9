// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The whole dialect, split by kind.

#ifndef STRATA_DIALECTS_MOE_MOEOPS_TD
#define STRATA_DIALECTS_MOE_MOEOPS_TD

include "dialects/Moe/MoeStructureOps.td"
include "dialects/Moe/MoeWeightOps.td"
include "dialects/Moe/MoeProductOps.td"
include "dialects/Moe/MoeElementwiseOps.td"
include "dialects/Moe/MoeAttentionOps.td"
include "dialects/Moe/MoeExpertOps.td"

#endif // STRATA_DIALECTS_MOE_MOEOPS_TD
