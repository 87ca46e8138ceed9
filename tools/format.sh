#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/format.sh [--check]
#
# Formats every C++ file of the repository; --check changes nothing and fails if a file is not formatted.
set -eu
cd "$(dirname "$0")/.."

mode="-i"
[ "${1:-}" = "--check" ] && mode="--dry-run -Werror"
find runtime compiler dialects passes tools tests \( -name '*.h' -o -name '*.cpp' -o -name '*.cuh' \) -print0 |
  xargs -0 -n 16 -P 2 clang-format-22 $mode
