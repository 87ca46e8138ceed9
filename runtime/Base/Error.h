// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The error that every fallible function of Strata returns, and the exit codes that tools make of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace strata {

/// What a tool's process ends with (docs/architecture.md, "Errors").
enum class ExitCode : int {
  Done = 0,
  Input = 1,        ///< The input is at fault: a file's content, a prompt, an artifact.
  CommandLine = 2,  ///< The command line is at fault.
  Machine = 3,      ///< The machine lacks something: memory, disk, driver.
  Mismatch = 4,     ///< The result differs from `--expect`.
  Bug = 70,         ///< A bug of ours.
  DeviceLost = 75,  ///< The device was lost; start again.
  Interrupted = 130 ///< Ctrl-C.
};

/// One failure: what is wrong, where, and what to do, in one sentence without a full stop at its end.
/// `id` is the checklist id ("G35"), empty where there is none; it is printed in brackets and is the name of the test.
struct Error {
  ExitCode code = ExitCode::Bug;
  std::string id;
  std::string message;
};

/// A value or an Error. Functions that return nothing but may fail return Result<void>.
template <typename T> using Result = tl::expected<T, Error>;

/// `return fail(ExitCode::Input, "G35", fmt::format(...))`.
inline tl::unexpected<Error> fail(ExitCode code, std::string_view id, std::string message) {
  return tl::unexpected<Error>(Error{code, std::string(id), std::move(message)});
}

/// The line a tool prints: "strata-run: error: SENTENCE [G35]".
std::string formatError(std::string_view tool, const Error &error);

/// A name out of a file made printable: control bytes, invalid UTF-8, quotes and backslashes as \xNN, cut at 80
/// characters.
std::string escapeName(std::string_view name);

} // namespace strata

#define STRATA_CONCATENATE_(a, b) a##b
#define STRATA_CONCATENATE(a, b) STRATA_CONCATENATE_(a, b)

/// Returns the error of EXPR, a Result<void>, from the calling function.
#define STRATA_TRY(EXPR)                                                                                               \
  do {                                                                                                                 \
    if (auto strataResult = (EXPR); !strataResult)                                                                     \
      return tl::unexpected<::strata::Error>(std::move(strataResult.error()));                                         \
  } while (false)

/// STRATA_ASSIGN(auto file, open(path)): the value of a Result, or returns its error.
#define STRATA_ASSIGN(DECLARATION, EXPR)                                                                               \
  auto STRATA_CONCATENATE(strataResult, __LINE__) = (EXPR);                                                            \
  if (!STRATA_CONCATENATE(strataResult, __LINE__))                                                                     \
    return tl::unexpected<::strata::Error>(std::move(STRATA_CONCATENATE(strataResult, __LINE__).error()));             \
  DECLARATION = *std::move(STRATA_CONCATENATE(strataResult, __LINE__))
