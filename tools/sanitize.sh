#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/sanitize.sh asan|tsan
#
# Builds the runtime's tests with a preset of sanitizers and runs them: asan is AddressSanitizer and
# UndefinedBehaviorSanitizer, over all of the runtime; tsan is ThreadSanitizer, over what has threads.
#
# Where STRATA_TEST_DEADLINE (seconds since 1970) comes before the end, it says so and ends with 77: skipped.
set -eu
cd "$(dirname "$0")/.."

case "${1:-}" in
asan)
  folders="tests/runtime"
  # Ten thousand sessions: the store's own seeds are here, and the sessions' without sanitizers.
  export GTEST_FILTER='-Streaming.TenThousandSeeds'
  ;;
tsan)
  folders="tests/runtime/Device tests/runtime/Memory tests/runtime/Exec"
  # Thousands of artifacts that are refused before a thread starts, of simulated reads, of places, of random shapes and of allocations
  # that fail (F20): asan's business, slow here.
  export GTEST_FILTER='-Mutation.*:*.TenThousandSeeds:*ThousandPlacesOverwritten*:FewColumns.*:*PanelTest.*:*F20*'
  ;;
*)
  echo "usage: tools/sanitize.sh asan|tsan" >&2
  exit 2
  ;;
esac

# Runs a command no longer than there is time.
in_time() {
  [ -n "${STRATA_TEST_DEADLINE:-}" ] || { "$@"; return; }
  left=$((STRATA_TEST_DEADLINE - $(date +%s)))
  code=124
  [ "$left" -le 0 ] || { code=0; timeout "$left" "$@" || code=$?; }
  if [ "$code" = 124 ]; then
    echo "sanitize.sh: $preset is skipped: there is no time left for: $*" >&2
    exit 77
  fi
  return "$code"
}

preset="$1"
build="build/$preset"
cmake --preset "$preset" >/dev/null
for folder in $folders; do
  in_time cmake --build "$build" --target "$folder/all"
  in_time ctest --test-dir "$build/$folder" --output-on-failure --parallel "$(nproc)"
done
