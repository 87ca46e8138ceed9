#!/bin/sh
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: tools/setup.sh [--tidy]
#
# Installs what building and testing Strata needs on Debian 12, from Debian's own repositories (LLVM and MLIR 22 come from
# bookworm-security), and NVRTC and ptxas 12.9 (tools/cuda.sh). Says nothing and touches nothing when all is there. --tidy also
# installs clang-tidy.
set -eu

cuda="$(dirname "$0")/cuda.sh"

packages="
  git cmake ninja-build g++ ccache pkg-config
  libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools clang-format-22
  flatbuffers-compiler libflatbuffers-dev
  libpcre2-dev nlohmann-json3-dev libcli11-dev libxxhash-dev libfmt-dev libexpected-dev libssl-dev liburing-dev
  libgtest-dev libgmock-dev
  python3 python3-pip xz-utils"

for argument in "$@"; do
  case "$argument" in
  --tidy) packages="$packages clang-tidy-22" ;;
  *)
    echo "usage: tools/setup.sh [--tidy]" >&2
    exit 2
    ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "setup.sh: error: this machine has no dpkg; Strata is set up on Debian 12. Install these by hand:" $packages >&2
  exit 3
fi

# dpkg-query prints nothing on stdout for a package it has never heard of.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null | sed -n 's/^installed //p')
missing=""
for package in $packages; do
  case "
$installed
" in
  *"
$package
"*) ;;
  *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exec "$cuda"

asRoot=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup.sh: error: these packages are missing and there is no sudo to install them with; as root, run:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 3
  fi
  asRoot="sudo"
fi

echo "Installing:$missing"
$asRoot env DEBIAN_FRONTEND=noninteractive apt-get -qq update
if ! $asRoot env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >/dev/null; then
  echo "setup.sh: error: apt-get could not install these packages; LLVM 22 needs Debian 12 with the suite bookworm-security" \
    "in its sources" >&2
  exit 3
fi
exec "$cuda"
