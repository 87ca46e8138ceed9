// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/ReadingOptions.h"

#include <fmt/format.h>
#include <map>

namespace strata {

void addReadingOptions(CLI::App &app, const char *group, ReadBackend &backend, uint32_t &depth, const char *otherwise) {
  static const std::map<std::string, ReadBackend> kBackends = {{"auto", ReadBackend::Automatic},
                                                               {"uring", ReadBackend::Uring},
                                                               {"pool", ReadBackend::PreadPool},
                                                               {"buffered", ReadBackend::Buffered}};
  app.add_option_function<std::string>(
         "--reads", [&backend](const std::string &name) { backend = kBackends.at(name); },
         "uring, pool, buffered or auto: io_uring, threads with direct reads, threads with buffered reads; auto is the "
         "first of them that the system does not refuse")
      ->group(group)
      ->check(CLI::IsMember(kBackends));
  app.add_option("--read-depth", depth, fmt::format("reads that the disk gets at one time; without it {}", otherwise))
      ->group(group)
      ->check(CLI::Range(1U, kMostReadDepth));
}

} // namespace strata
