// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/MachineFigures.h"

#include "compiler/Machine/Machine.h"
#include "compiler/Support/AtomicFile.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace strata::bench {

Result<void> updateMachineFile(const std::string &path, const MachineRates &rates) {
  STRATA_ASSIGN(MachineDescription machine, loadMachine(path));
  auto measured = [](double rate) { return Figure{std::max(1.0, std::round(rate / 1e9)) * 1e9, true}; };
  if (rates.products)
    machine.host.productRate = measured(*rates.products);
  if (rates.attention)
    machine.host.attentionRate = measured(*rates.attention);
  std::string text = formatMachineFile(machine);
  return writeFileAtomically(path, std::as_bytes(std::span(text)), "it stays as it was");
}

} // namespace strata::bench
