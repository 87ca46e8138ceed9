#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/sanitize.sh asan|tsan
#
# Builds the runtime's tests with a preset of sanitizers and runs them: asan is AddressSanitizer and
# UndefinedBehaviorSanitizer, over all of the runtime; tsan is ThreadSanitizer, over what has threads.
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

build="build/$1"
cmake --preset "$1" >/dev/null
for folder in $folders; do
  cmake --build "$build" --target "$folder/all"
  ctest --test-dir "$build/$folder" --output-on-failure --parallel "$(nproc)"
done
