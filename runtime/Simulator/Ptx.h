// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// PTX as it is written: what the parser makes of a module, and the decoder reads. (NVIDIA, Parallel Thread Execution
// ISA.)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::sim {

/// The fundamental types of PTX.
enum class Type : uint8_t { pred, b8, u8, s8, b16, u16, s16, f16, f16x2, b32, u32, s32, f32, b64, u64, s64, f64 };

/// The type that a modifier names, ".u32" as "u32"; nothing for other modifiers.
std::optional<Type> typeNamed(const std::string &name);
/// Bytes of a value in memory; 1 for a predicate, which is never there.
uint32_t typeBytes(Type type);

enum class Space : uint8_t { generic, global, shared, local, constant, param };

/// A variable in memory, or a parameter.
struct Variable {
  std::string name;
  Space space = Space::global;
  uint64_t bytes = 0;
  uint64_t alignment = 1;
  std::vector<std::byte> initial; ///< Empty: zeros in global and constant memory, nothing in the others.
  uint32_t line = 0;
};

struct Operand {
  enum class Kind : uint8_t { reg, immediate, address, vector, symbol, sink };
  Kind kind = Kind::sink;
  std::string name;           ///< Of a register, a symbol, or the base of an address; empty for a plain address.
  std::string second;         ///< The predicate of `%r1|%p1`.
  int64_t number = 0;         ///< An integer, or the offset of an address.
  uint64_t bits = 0;          ///< Of 0fXXXXXXXX and 0dXXXXXXXXXXXXXXXX.
  bool isFloat = false;       ///< `bits` counts.
  bool isDouble = false;      ///< `bits` are those of an f64.
  bool negated = false;       ///< `!%p`
  std::vector<Operand> parts; ///< Of a vector.
};

struct Statement {
  uint32_t line = 0;
  std::string predicate; ///< Empty: always.
  bool predicateNegated = false;
  std::vector<std::string> opcode; ///< "ld", "global", "v4", "u32"
  std::vector<Operand> operands;
};

struct RegisterDeclaration {
  std::string name;
  Type type = Type::b32;
};

struct Kernel {
  std::string name;
  uint32_t line = 0;
  std::vector<Variable> parameters; ///< In order; `initial` is empty.
  std::vector<RegisterDeclaration> registers;
  std::vector<Variable> variables; ///< Of spaces shared and local.
  std::vector<Statement> statements;
  std::vector<std::pair<std::string, uint32_t>> labels; ///< With the statement that follows.
  std::array<uint32_t, 3> maximumThreads = {0, 0, 0};   ///< .maxntid; zeros: not said.
};

struct ModuleText {
  uint32_t target = 0; ///< 70 for sm_70.
  std::vector<Variable> variables;
  std::vector<Kernel> kernels;
};

} // namespace strata::sim
