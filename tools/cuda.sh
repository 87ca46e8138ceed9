#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/cuda.sh
#
# Unpacks NVRTC and ptxas 12.9, the last that can target sm_70 (V100S), from NVIDIA's wheels into .cuda/ of the repository.
# Says nothing and touches nothing when they are there. Strata opens NVRTC at run time and links nothing of it.
set -eu
cd "$(dirname "$0")/.."

version=12.9.86
folder=.cuda
[ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ] && exit 0

if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "cuda.sh: error: python3 has no pip to download nvidia-cuda-nvrtc-cu12==$version and nvidia-cuda-nvcc-cu12==$version" \
    "with; install python3-pip, or unpack libnvrtc.so.12, libnvrtc-builtins.so.12.9 and ptxas into $folder/ by hand" >&2
  exit 3
fi
echo "Unpacking NVRTC $version into $folder/"
wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT
if ! python3 -m pip download -q --no-deps -d "$wheels" \
  "nvidia-cuda-nvrtc-cu12==$version" "nvidia-cuda-nvcc-cu12==$version"; then
  echo "cuda.sh: error: the wheels nvidia-cuda-nvrtc-cu12==$version and nvidia-cuda-nvcc-cu12==$version could not be" \
    "downloaded; check the network and pip's settings" >&2
  exit 3
fi
mkdir -p "$folder"
python3 - "$wheels" "$folder" <<'PYTHON'
import os, pathlib, sys, zipfile
wanted = {"libnvrtc.so.12", "libnvrtc-builtins.so.12.9", "ptxas"}
for wheel in pathlib.Path(sys.argv[1]).glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = os.path.basename(member.filename)
            if name in wanted:
                target = pathlib.Path(sys.argv[2]) / name
                target.write_bytes(archive.read(member))
                target.chmod(0o755)
                wanted.discard(name)
if wanted:
    sys.exit(f"cuda.sh: error: the wheels lack {', '.join(sorted(wanted))}")
PYTHON
echo "$version" >"$folder/version"
