// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The plan dialect and the schema say the same things by the same names and numbers: mirror() is a cast.

#include "dialects/Plan/PlanOps.h"
#include "runtime/Schema/artifact_generated.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

/// Compares numbers and names, in both directions; a name of the dialect is one of the schema.
template <typename Schema, size_t N>
void expectEqualEnums(const char *const *schemaNames, const Schema (&schemaValues)[N], uint64_t planMaximum,
                      llvm::StringRef (*planName)(uint32_t)) {
  EXPECT_EQ(planMaximum, N - 1);
  for (size_t i = 0; i < N; ++i) {
    EXPECT_EQ(static_cast<size_t>(schemaValues[i]), i) << schemaNames[i];
    EXPECT_EQ(planName(static_cast<uint32_t>(i)), schemaNames[i]);
  }
}

// The generated functions follow a pattern of names that only a macro can fill.
#define STRATA_EXPECT_EQUAL_ENUMS(SCHEMA, PLAN)                                                                        \
  expectEqualEnums(schema::EnumNames##SCHEMA(), schema::EnumValues##SCHEMA(), plan::getMaxEnumValFor##PLAN(),          \
                   [](uint32_t number) { return plan::stringify##PLAN(static_cast<plan::PLAN>(number)); })

TEST(EnumMirror, TheDialectsEnumeratorsAreTheSchemas) {
  STRATA_EXPECT_EQUAL_ENUMS(ActivationEncoding, ActivationEncoding);
  STRATA_EXPECT_EQUAL_ENUMS(KvEncoding, KvEncoding);
  STRATA_EXPECT_EQUAL_ENUMS(Tier, Tier);
  STRATA_EXPECT_EQUAL_ENUMS(DeviceKind, DeviceKind);
  STRATA_EXPECT_EQUAL_ENUMS(ArenaKind, ArenaKind);
  STRATA_EXPECT_EQUAL_ENUMS(Rows, Rows);
  STRATA_EXPECT_EQUAL_ENUMS(Element, Element);
  STRATA_EXPECT_EQUAL_ENUMS(Role, Role);
  STRATA_EXPECT_EQUAL_ENUMS(Operation, OperationKind);
  STRATA_EXPECT_EQUAL_ENUMS(Form, Form);
  STRATA_EXPECT_EQUAL_ENUMS(Gate, Gate);
  STRATA_EXPECT_EQUAL_ENUMS(Phase, Phase);
}

} // namespace
} // namespace strata
