#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/test.sh [--all | --long] [ARGUMENTS OF ctest]
#
# Installs what is missing, builds everything and runs the tests.
#   --all   also the slower suites (label "slow"): sanitizers for which 60 minutes are not enough are skipped, and said so
#   --long  also what takes hours (label "long")
set -eu
cd "$(dirname "$0")/.."

excluded='^(slow|long)$'
case "${1:-}" in
--all)
  excluded='^long$'
  STRATA_TEST_DEADLINE=$(($(date +%s) + 3600))
  export STRATA_TEST_DEADLINE
  shift
  ;;
--long)
  excluded='^$'
  shift
  ;;
-h | --help)
  sed -n '/^# Usage/,/^set/s/^# \{0,1\}//p' "$0"
  exit 0
  ;;
esac

tools/setup.sh
cmake --preset default
cmake --build build
exec ctest --test-dir build --output-on-failure --parallel "$(nproc)" --label-exclude "$excluded" "$@"
