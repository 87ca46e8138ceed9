// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/Quarantine.h"

#include <fmt/format.h>

namespace strata {

bool Quarantine::holds(uint32_t key, Duration now) const {
  auto found = entries.find(key);
  return found != entries.end() && now - found->second.since < kTime;
}

Error Quarantine::errorOf(uint32_t key, Duration now) const {
  const Entry &entry = entries.at(key);
  Error error = entry.error;
  error.message += fmt::format(" (tried {:.1f} s ago, and tried again {} s after that)",
                               std::chrono::duration<double>(now - entry.since).count(),
                               std::chrono::duration_cast<std::chrono::seconds>(kTime).count());
  return error;
}

} // namespace strata
