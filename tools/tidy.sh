#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/tidy.sh [FILE...]
#
# Runs clang-tidy with the checks of .clang-tidy, every finding an error: over the files named, or over all C++ files of
# the default build.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh --tidy
cmake --preset default >/dev/null
# Headers that the build generates are includes of nearly every file.
cmake --build build >/dev/null
if [ $# -gt 0 ]; then
  files=$*
else
  files=$(find runtime compiler dialects passes tools -name '*.cpp')
fi
printf '%s\n' $files | xargs -n 1 -P "$(nproc)" clang-tidy-22 -p build --quiet --warnings-as-errors='*'
