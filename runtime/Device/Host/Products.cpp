// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Products.h"

#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/LaneSum.h"
#include "runtime/Device/Host/Panels/Panels.h"
#include "runtime/Device/Host/Product/Levels.h"
#include "runtime/Device/Host/WeightBlocks.h"

#include <cmath>
#include <fmt/format.h>

namespace strata::host {
namespace {

using schema::ActivationEncoding;
using schema::Form;

/// One column's quantised numbers, from the product's first on.
struct ActivationDigits {
  const float *scales;
  const int8_t *high;
  const int8_t *low; ///< Under i16 only.
};

ActivationDigits digitsOf(const Columns &columns, uint64_t column) {
  const std::byte *row = columns.row(column);
  const auto *digits = reinterpret_cast<const int8_t *>(row + columns.width / kBlock * sizeof(float));
  const float *scales = reinterpret_cast<const float *>(row) + columns.offset / kBlock;
  return {scales, digits + columns.offset, digits + columns.width + columns.offset};
}

/// A block's digits, joined to one number each: at most 32639 in magnitude.
template <ActivationEncoding activations>
inline void widen(const ActivationDigits &from, uint64_t at, int16_t *__restrict out) {
  for (uint64_t i = 0; i < kBlock; ++i) {
    if constexpr (activations == ActivationEncoding::i16)
      out[i] = static_cast<int16_t>(from.high[at + i] * 256 + from.low[at + i]);
    else
      out[i] = from.high[at + i];
  }
}

/// At most 32 · 128 · 32639 in magnitude: exact.
template <uint64_t count> inline int32_t dot(const int16_t *a, const int16_t *b) {
  int32_t sum = 0;
  for (uint64_t i = 0; i < count; ++i)
    sum += a[i] * b[i];
  return sum;
}

inline int32_t sumOf(const int16_t *digits) {
  int32_t sum = 0;
  for (uint64_t i = 0; i < kBlock; ++i)
    sum += digits[i];
  return sum;
}

/// The block's term in a sum of form few (docs/numbers.md, "Products").
template <typename Format> inline float blockTerm(const WeightBlock &weight, const int16_t *digits, float scale) {
  float joint = weight.scale * scale;
  if constexpr (Format::kFactors) {
    int64_t sum = weight.factors[0] * dot<kBlock / 2>(weight.digits, digits) +
                  weight.factors[1] * dot<kBlock / 2>(weight.digits + kBlock / 2, digits + kBlock / 2);
    return joint * static_cast<float>(sum);
  }
  float term = joint * static_cast<float>(dot<kBlock>(weight.digits, digits));
  if constexpr (Format::kMinimum)
    term += (weight.minimum * scale) * static_cast<float>(sumOf(digits));
  return term;
}

/// What a sum of form many adds for the block, times the activation's scale.
template <typename Format> inline float unscaledTerm(const WeightBlock &weight, const int16_t *digits) {
  float scale = weight.scale + (weight.scale - weight.scale); // NaN if it is infinite.
  auto times = [&](float factor, int32_t integer) { return factor * static_cast<float>(integer) + 0.0f; }; // No -0.
  if constexpr (Format::kFactors) {
    float first = times(scale * static_cast<float>(weight.factors[0]), dot<kBlock / 2>(weight.digits, digits));
    int32_t last = dot<kBlock / 2>(weight.digits + kBlock / 2, digits + kBlock / 2);
    return std::fma(scale * static_cast<float>(weight.factors[1]), static_cast<float>(last), first);
  }
  float term = times(scale, dot<kBlock>(weight.digits, digits));
  if constexpr (Format::kMinimum)
    term = std::fma(weight.minimum, static_cast<float>(sumOf(digits)), term);
  return term;
}

template <typename Format, ActivationEncoding activations, Form form>
void digitsProduct(const std::byte *weightRow, uint64_t length, const Columns &columns, uint64_t first, uint64_t count,
                   float *out) {
  constexpr bool few = form == Form::few;
  constexpr uint64_t mostColumns = few ? kFewColumns : kManyColumns, accumulators = few ? kLanes : 1;
  ActivationDigits inputs[mostColumns];
  float sums[mostColumns][accumulators] = {};
  for (uint64_t column = 0; column < count; ++column)
    inputs[column] = digitsOf(columns, first + column);
  WeightBlock weight;
  alignas(64) int16_t digits[kBlock];
  for (uint64_t block = 0; block < length / kBlock; ++block) {
    Format::load(weightRow, block, weight);
    for (uint64_t column = 0; column < count; ++column) {
      widen<activations>(inputs[column], block * kBlock, digits);
      float scale = inputs[column].scales[block];
      if constexpr (few)
        sums[column][block % kLanes] += blockTerm<Format>(weight, digits, scale);
      else
        sums[column][0] = std::fma(unscaledTerm<Format>(weight, digits), scale, sums[column][0]);
    }
  }
  for (uint64_t column = 0; column < count; ++column) {
    if constexpr (few)
      out[column] = joinLanes(sums[column]);
    else
      out[column] = sums[column][0];
  }
}

/// Of numbers; the same in both forms.
template <typename Format>
void numbersProduct(const std::byte *weightRow, uint64_t length, const Columns &columns, uint64_t first, uint64_t count,
                    float *out) {
  double sums[kManyColumns][kLanes] = {};
  alignas(64) float weights[kBlock];
  for (uint64_t at = 0; at < length; at += kBlock) {
    uint64_t size = std::min(kBlock, length - at);
    loadNumbers<Format>(weightRow, at, size, weights);
    for (uint64_t column = 0; column < count; ++column) {
      const auto *numbers = reinterpret_cast<const float *>(columns.row(first + column)) + columns.offset;
      addProducts(sums[column], weights, numbers + at, size);
    }
  }
  for (uint64_t column = 0; column < count; ++column)
    out[column] = static_cast<float>(joinLanes(sums[column]));
}

template <typename Format> Product::Function digitsFunction(ActivationEncoding activations, Form form) {
  bool few = form == Form::few;
  if (activations == ActivationEncoding::i16)
    return few ? digitsProduct<Format, ActivationEncoding::i16, Form::few>
               : digitsProduct<Format, ActivationEncoding::i16, Form::many>;
  return few ? digitsProduct<Format, ActivationEncoding::i8, Form::few>
             : digitsProduct<Format, ActivationEncoding::i8, Form::many>;
}

Product::Function numbersFunction(Encoding encoding) {
  switch (encoding) {
  case Encoding::F32:
    return numbersProduct<F32>;
  case Encoding::F16:
    return numbersProduct<F16>;
  case Encoding::BF16:
    return numbersProduct<BF16>;
  case Encoding::Q4_0:
    return numbersProduct<Q4_0>;
  case Encoding::Q4_1:
    return numbersProduct<Q4_1>;
  case Encoding::Q8_0:
    return numbersProduct<Q8_0>;
  case Encoding::Q6_K:
    return numbersProduct<Q6_K>;
  default:
    return nullptr;
  }
}

Product::Function functionFor(Encoding encoding, ActivationEncoding activations, Form form) {
  if (activations == ActivationEncoding::f32)
    return numbersFunction(encoding);
  switch (encoding) {
  case Encoding::Q4_0:
    return digitsFunction<Q4_0>(activations, form);
  case Encoding::Q4_1:
    return digitsFunction<Q4_1>(activations, form);
  case Encoding::Q8_0:
    return digitsFunction<Q8_0>(activations, form);
  case Encoding::Q6_K:
    return digitsFunction<Q6_K>(activations, form);
  default:
    return nullptr;
  }
}

/// What the level of instruction set has; null if it has nothing.
Product::TileFunction tileFunctionFor(Isa isa, Encoding encoding, ActivationEncoding activations, Form form) {
  if (isa == Isa::portable)
    return nullptr;
  if (activations == ActivationEncoding::f32)
    return isa == Isa::avx512 ? avx512NumbersProduct(encoding) : avx2NumbersProduct(encoding);
  if (form == Form::many)
    return panelProduct(isa, encoding, activations, form);
  bool two = activations == ActivationEncoding::i16;
  return isa == Isa::avx512 ? avx512FewProduct(encoding, two) : avx2FewProduct(encoding, two);
}

} // namespace

Result<Product> makeProduct(const Context &context, const BoundOperand &weight, const BoundOperand &input,
                            const KernelCall &call) {
  Product product;
  product.function = functionFor(weight.encoding, storedAs(input, call), call.form);
  if (!product.function)
    return fail(ExitCode::Input, "A20",
                fmt::format("{} has no product of {} weights with {} activations: compile the model again",
                            schema::EnumNameOperation(call.operation), encodingInfo(weight.encoding).name,
                            schema::EnumNameActivationEncoding(storedAs(input, call))));
  product.tileFunction = tileFunctionFor(context.isa, weight.encoding, storedAs(input, call), call.form);
  product.columnsPerPass = call.form == schema::Form::few ? kFewColumns : kManyColumns;
  product.weight = weight.data;
  product.length = weight.dimensions[2];
  product.weightRowBytes = encodedBytes(weight.encoding, product.length, 1).value();
  return product;
}

} // namespace strata::host
