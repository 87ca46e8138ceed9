#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/quickstart.sh
#
# From a fresh clone to text: installs what is missing, builds the tools, compiles the model that ships with the repository
# for this machine, prints the plan, and tells a story.
set -eu
cd "$(dirname "$0")/.."

tools/setup.sh
if [ ! -f build/build.ninja ]; then
  cmake --preset default >build.log 2>&1 || {
    cat build.log >&2
    exit 1
  }
  rm -f build.log
fi
cmake --build build --target strata-compile strata-dump strata-bench strata-opt strata-plan strata-probe strata-run strata-verify

show() {
  printf '\n$ %s\n' "$1"
}
show "build/bin/strata-compile tests/models/tiny.Q4_0.gguf -o build/tiny.strata --machine=host"
build/bin/strata-compile tests/models/tiny.Q4_0.gguf -o build/tiny.strata --machine=host

show 'build/bin/strata-run build/tiny.strata -p "Tell me a story about a fox."'
build/bin/strata-run build/tiny.strata -p "Tell me a story about a fox."
