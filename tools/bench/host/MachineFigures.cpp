// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/MachineFigures.h"

#include "compiler/Machine/Machine.h"
#include "compiler/Support/AtomicFile.h"

#include <span>

namespace strata::bench {

Result<void> updateMachineFile(const std::string &path, const MachineRates &rates) {
  STRATA_ASSIGN(MachineDescription machine, loadMachine(path));
  if (rates.products)
    machine.host.productRate = {*rates.products, true};
  if (rates.attention)
    machine.host.attentionRate = {*rates.attention, true};
  std::string text = formatMachineFile(machine);
  return writeFileAtomically(path, std::as_bytes(std::span(text)), "it stays as it was");
}

} // namespace strata::bench
