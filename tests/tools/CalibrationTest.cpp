// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Modelled times are believed because of these: what they say of a V100 is what people have measured.
#include "tools/bench/Calibration.h"

#include <gmock/gmock.h>

namespace strata::bench {
namespace {

struct CalibrationTest : testing::Test {
  static const std::vector<CalibrationRow> &rows() {
    static const std::vector<CalibrationRow> kRows = calibrate(Nvrtc::open().value()).value();
    return kRows;
  }
};

TEST_F(CalibrationTest, ReadsAtFourOccupanciesAreWhatWasMeasured) {
  ASSERT_EQ(rows().size(), 7u);
  for (size_t i = 0; i < 4; ++i) {
    const CalibrationRow &row = rows()[i];
    SCOPED_TRACE(row.name);
    EXPECT_EQ(row.modelled.residentCtas, 2u);
    EXPECT_DOUBLE_EQ(row.modelled.occupancy, 0.25 * static_cast<double>(i + 1));
    EXPECT_NEAR(row.error(), 0, 0.15);
  }
  EXPECT_EQ(rows()[0].modelled.bottleneck, "latency");
  EXPECT_EQ(rows()[3].modelled.bottleneck, "HBM");
}

TEST_F(CalibrationTest, ReadsAndWritesAreWhatWasMeasured) {
  for (size_t i : {4, 5}) {
    SCOPED_TRACE(rows()[i].name);
    EXPECT_NEAR(rows()[i].error(), 0, 0.15);
    EXPECT_EQ(rows()[i].modelled.bottleneck, "HBM");
  }
}

TEST_F(CalibrationTest, AProductOnUnalignedBlocksIsAsSlowAsOnesThatPeopleRun) {
  const CalibrationRow &row = rows()[6];
  EXPECT_GE(row.bytesPerSecond, 0.40 * 900e9);
  EXPECT_LE(row.bytesPerSecond, 0.55 * 900e9);
  EXPECT_EQ(row.error(), 0);
}

TEST_F(CalibrationTest, SaysHowFarOffItIs) {
  CalibrationRow row{"a", 100e9, 100e9, {}, 110e9};
  EXPECT_NEAR(row.error(), 0.1, 1e-9);
  EXPECT_NEAR((CalibrationRow{"b", 100e9, 200e9, {}, 80e9}.error()), -0.2, 1e-9);
  EXPECT_EQ((CalibrationRow{"c", 100e9, 200e9, {}, 150e9}.error()), 0);
  EXPECT_NEAR(largestError({row, {"b", 100e9, 200e9, {}, 80e9}}), 0.2, 1e-9);
  EXPECT_THAT(describeCalibration({row}), testing::HasSubstr("110 GB/s, measured        100 (+10 %)"));
}

} // namespace
} // namespace strata::bench
