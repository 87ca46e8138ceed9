// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/CommandLine.h"

#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <new>

namespace strata {

void prepareCommandLine(CLI::App &app) {
  app.set_version_flag("--version", "strata " STRATA_VERSION);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

int reportError(std::string_view tool, const Error &error) {
  fmt::print(stderr, "{}\n", formatError(tool, error));
  return static_cast<int>(error.code);
}

namespace {

/// CLI11's sentences end without naming the help, and some of them with a line break.
Error commandLineError(const CLI::ParseError &fault) {
  std::string sentence = fault.what();
  while (!sentence.empty() && (sentence.back() == '\n' || sentence.back() == '.' || sentence.back() == ' '))
    sentence.pop_back();
  return Error{ExitCode::CommandLine, "", escapeName(sentence) + "; --help lists the options"};
}

int runBody(std::string_view tool, const std::function<Result<ExitCode>()> &body) {
  try {
    Result<ExitCode> result = body();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return reportError(tool, Error{ExitCode::Machine, "", "the output could not be written; is the disk full?"});
    return result ? static_cast<int>(*result) : reportError(tool, result.error());
  } catch (const std::bad_alloc &) {
    return reportError(tool, Error{ExitCode::Machine, "", "the machine has not enough memory for this"});
  } catch (const std::exception &fault) {
    return reportError(
        tool, Error{ExitCode::Bug, "", fmt::format("a bug of ours, please report it: {}", escapeName(fault.what()))});
  }
}

} // namespace

int runTool(std::string_view tool, CLI::App &app, int argc, char **argv,
            const std::function<Result<ExitCode>()> &body) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &success) {
    return app.exit(success); // Prints the help or the version.
  } catch (const CLI::ParseError &fault) {
    return reportError(tool, commandLineError(fault));
  }
  return runBody(tool, body);
}

} // namespace strata
