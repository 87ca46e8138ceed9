// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/OtherProgram.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::bench {

namespace {

/// A file without a name, which takes all that a program writes however much it is: with pipes two would have to be
/// read at once.
using Capture = std::unique_ptr<std::FILE, int (*)(std::FILE *)>;

Capture makeCapture() {
  return {std::tmpfile(), &std::fclose};
}

std::string textOf(const Capture &capture) {
  std::string text;
  std::rewind(capture.get());
  std::array<char, 4096> part;
  while (size_t count = std::fread(part.data(), 1, part.size(), capture.get()))
    text.append(part.data(), count);
  return text;
}

std::string lastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

/// Whole, unlike an escaped name, so that a command can be copied; what is not ASCII is a question mark.
std::string printable(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char byte) { return byte < ' ' || byte > '~'; }, '?');
  return text;
}

/// The number of an error, or 0.
int start(pid_t &child, const std::string &program, const std::vector<std::string> &arguments, const Capture &output,
          const Capture &errors) {
  std::vector<char *> argv = {const_cast<char *>(program.c_str())};
  for (const std::string &argument : arguments)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(output.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors.get()), STDERR_FILENO);
  int error = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

} // namespace

Result<std::string> outputOf(const std::string &program, const std::vector<std::string> &arguments) {
  Capture output = makeCapture(), errors = makeCapture();
  if (!output || !errors)
    return fail(ExitCode::Machine, "",
                fmt::format("there is no place for temporary files ({}): make room in /tmp", std::strerror(errno)));
  pid_t child = 0;
  if (int error = start(child, program, arguments, output, errors); error != 0)
    return fail(ExitCode::Input, "",
                fmt::format("{} cannot be started ({})", escapeName(program), std::strerror(error)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return textOf(output);
  std::string how = WIFEXITED(status) ? fmt::format("ended with exit code {}", WEXITSTATUS(status))
                                      : fmt::format("was ended by signal {}", WTERMSIG(status));
  std::string said = lastLine(textOf(errors));
  return fail(ExitCode::Input, "",
              fmt::format("{} {}{}; the command was: {}", escapeName(program), how,
                          said.empty() ? "" : fmt::format(" and said \"{}\"", printable(said)),
                          printable(fmt::format("{} {}", program, fmt::join(arguments, " ")))));
}

} // namespace strata::bench
