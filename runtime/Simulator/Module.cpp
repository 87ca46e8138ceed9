// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Decoder.h"
#include "runtime/Simulator/Lexer.h"
#include "runtime/Simulator/Parser.h"
#include "runtime/Simulator/Simulator.h"

#include <cstring>
#include <fmt/format.h>

namespace strata::sim {

struct Module::Parts {
  explicit Parts(GlobalMemory &globalMemory) : memory(globalMemory) {}
  ~Parts() {
    for (const auto &[name, storage] : variables)
      memory.remove(storage.get());
  }
  Parts(const Parts &) = delete;
  Parts &operator=(const Parts &) = delete;

  struct Free {
    void operator()(std::byte *bytes) const { std::free(bytes); }
  };
  Result<void> addVariable(const Variable &variable) {
    uint64_t bytes = (std::max<uint64_t>(variable.bytes, 1) + 63) / 64 * 64;
    auto *storage = static_cast<std::byte *>(std::aligned_alloc(std::max<uint64_t>(64, variable.alignment), bytes));
    if (!storage)
      return fail(ExitCode::Machine, "",
                  fmt::format("{} bytes for a variable of a kernel cannot be had: free memory", bytes));
    std::memset(storage, 0, bytes);
    std::memcpy(storage, variable.initial.data(), variable.initial.size());
    variables.emplace_back(variable.name, storage);
    STRATA_TRY(memory.add(storage, bytes));
    memory.markWritten(storage, bytes);
    return {};
  }

  GlobalMemory &memory;
  std::vector<std::pair<std::string, std::unique_ptr<std::byte, Free>>> variables;
  std::vector<Program> programs;
};

Module::Module(std::unique_ptr<Parts> loaded) : parts(std::move(loaded)) {}
Module::~Module() = default;
Module::Module(Module &&) noexcept = default;
Module &Module::operator=(Module &&) noexcept = default;

Result<Module> Module::load(std::string_view ptx, GlobalMemory &memory) {
  STRATA_ASSIGN(ModuleText text, parseModule(ptx));
  if (text.target > 70)
    return ptxError(1, fmt::format("the module is for sm_{}, and an sm_70 is simulated", text.target));
  auto parts = std::make_unique<Parts>(memory);
  std::vector<Variable> shared;
  for (const Variable &variable : text.variables) {
    if (variable.space == Space::shared)
      shared.push_back(variable);
    else
      STRATA_TRY(parts->addVariable(variable));
  }
  auto address = [&](const std::string &name) -> uint64_t {
    for (const auto &[known, storage] : parts->variables)
      if (known == name)
        return reinterpret_cast<uint64_t>(storage.get());
    return 0;
  };
  for (const Kernel &kernel : text.kernels) {
    STRATA_ASSIGN(Program program, decodeKernel(kernel, shared, address));
    parts->programs.push_back(std::move(program));
  }
  return Module(std::move(parts));
}

const Program *Module::find(std::string_view kernel) const {
  for (const Program &program : parts->programs)
    if (program.kernel == kernel)
      return &program;
  return nullptr;
}

std::vector<std::string> Module::kernels() const {
  std::vector<std::string> names;
  for (const Program &program : parts->programs)
    names.push_back(program.kernel);
  return names;
}

} // namespace strata::sim
