// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Ctrl-C as something that a loop asks about and a poll wakes up from.
#pragma once

#include "runtime/Base/Error.h"

namespace strata::run {

/// From install() on Ctrl-C does not end the process. Whichever thread the signal reaches, raised() becomes true and
/// descriptor() readable, until clear().
class Interrupt {
public:
  /// Exit code 3 if the system has no file descriptor left.
  static Result<void> install();
  static bool raised();
  static void clear();
  static int descriptor();
};

} // namespace strata::run
