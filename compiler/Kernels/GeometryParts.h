// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the files that make up Geometry share.
#pragma once

#include "compiler/Kernels/Geometry.h"

namespace strata::kernels::detail {

constexpr std::string_view kBytes = "const unsigned char *", kWritten = "unsigned char *", kFloats = "const float *",
                           kResult = "float *", kIntegers = "const int *", kIntegerResult = "int *";

/// Constants of Tile.cuh; two CTAs fit a multiprocessor's shared memory.
constexpr uint32_t kTileRows = 64, kTileColumns = 64, kTileCtas = 2;
/// Constants of Attention.cuh.
constexpr uint32_t kAttentionHeads = 8, kAttentionPositions = 16;

constexpr uint32_t ceilDivide(uint64_t number, uint64_t by) {
  return static_cast<uint32_t>((number + by - 1) / by);
}

/// "strata::Q4_0"
std::string weightClass(Encoding encoding);
/// What a product with the weight reads: "strata::I16".
std::string activationClass(schema::ActivationEncoding activations, Encoding weight);
/// How an activation is stored.
std::string activationClass(schema::ActivationEncoding activations);
/// A literal of type float.
std::string number(float value);

/// RowShape::kGroups of RowDots.cuh: rows of the weight, of `rowLength` numbers, that a warp works on side by side.
uint32_t groupsOf(Encoding weight, uint32_t rowLength);
/// FewShape::kTile of MatmulFew.cuh: rows of the weight per CTA of 4 warps.
inline uint32_t fewTile(Encoding weight, uint32_t rowLength, const Schedule &schedule) {
  return 4 * groupsOf(weight, rowLength) * schedule.rows;
}

/// Whether products with the weight read digits.
bool readsDigits(const Request &request, Encoding weight);
/// "strata::Experts<…>"
std::string expertsClass(const Request &request);

/// These need a request with schedules.
Plan product(const Request &request);
Plan expertsOfStep(const Request &request);
Plan expertsOfPrompt(const Request &request);

} // namespace strata::kernels::detail
