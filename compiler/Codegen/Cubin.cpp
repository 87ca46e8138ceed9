// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/Cubin.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <map>
#include <optional>
#include <string_view>

namespace strata {
namespace {

constexpr std::string_view kText = ".text.", kShared = ".nv.shared.", kInfo = ".nv.info";
/// Attributes of .nv.info that hold (symbol, bytes): the frame of a function, and the least stack of a kernel.
constexpr uint8_t kFrameSize = 0x11, kMinimumStack = 0x12;
/// The format of an attribute with a value of its own: 2 bytes of size, then as many bytes.
constexpr uint8_t kSized = 4;

/// A view of an ELF file whose every access is checked.
class Elf {
public:
  explicit Elf(std::span<const std::byte> file) : bytes(file) {}

  template <typename T> std::optional<T> at(uint64_t offset) const {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
      return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
  /// Empty if there is no end to it.
  std::string_view text(uint64_t offset) const {
    if (offset >= bytes.size())
      return {};
    const char *begin = reinterpret_cast<const char *>(bytes.data()) + offset;
    const void *end = std::memchr(begin, 0, bytes.size() - offset);
    return end ? std::string_view(begin, static_cast<size_t>(static_cast<const char *>(end) - begin))
               : std::string_view();
  }
  std::optional<Elf64_Shdr> section(uint64_t index) const {
    auto header = at<Elf64_Ehdr>(0);
    if (!header || index >= header->e_shnum || header->e_shoff > bytes.size())
      return std::nullopt;
    return at<Elf64_Shdr>(header->e_shoff + index * sizeof(Elf64_Shdr));
  }
  std::string_view nameOf(const Elf64_Shdr &wanted) const {
    auto names = section(at<Elf64_Ehdr>(0)->e_shstrndx);
    return names && names->sh_offset < bytes.size() ? text(names->sh_offset + wanted.sh_name) : std::string_view();
  }

private:
  std::span<const std::byte> bytes;
};

/// The names of the symbols, by number.
std::vector<std::string_view> symbolNames(const Elf &elf, const Elf64_Shdr &table) {
  std::vector<std::string_view> names;
  auto strings = elf.section(table.sh_link);
  for (uint64_t at = 0; strings && at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
    auto symbol = elf.at<Elf64_Sym>(table.sh_offset + at);
    if (!symbol)
      break;
    names.push_back(elf.text(strings->sh_offset + symbol->st_name));
  }
  return names;
}

/// Adds the largest stack size that .nv.info gives for each symbol.
void readStacks(const Elf &elf, const Elf64_Shdr &info, std::map<uint32_t, uint32_t> &stacks) {
  for (uint64_t at = 0; at + 4 <= info.sh_size;) {
    auto format = elf.at<uint8_t>(info.sh_offset + at), attribute = elf.at<uint8_t>(info.sh_offset + at + 1);
    auto size = elf.at<uint16_t>(info.sh_offset + at + 2);
    if (!format || !attribute || !size)
      return;
    if (*format == kSized && (*attribute == kFrameSize || *attribute == kMinimumStack)) {
      auto symbol = elf.at<uint32_t>(info.sh_offset + at + 4), bytes = elf.at<uint32_t>(info.sh_offset + at + 8);
      if (symbol && bytes)
        stacks[*symbol] = std::max(stacks[*symbol], *bytes);
    }
    at += 4 + (*format == kSized ? *size : 0);
  }
}

} // namespace

Result<std::vector<KernelResources>> cubinResources(std::span<const std::byte> cubin) {
  Elf elf(cubin);
  auto header = elf.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
    return fail(ExitCode::Input, "N04", "the kernel's binary is no cubin: compile the model again");
  std::vector<KernelResources> kernels;
  std::map<std::string_view, uint32_t> shared;
  std::map<uint32_t, uint32_t> stacks;
  std::vector<std::string_view> symbols;
  for (uint64_t index = 0; index < header->e_shnum; ++index) {
    auto section = elf.section(index);
    if (!section)
      return fail(ExitCode::Input, "N04", "the kernel's cubin is cut short: compile the model again");
    std::string_view name = elf.nameOf(*section);
    if (section->sh_type == SHT_SYMTAB)
      symbols = symbolNames(elf, *section);
    else if (name.starts_with(kText)) // The number of registers is in the upper byte of sh_info.
      kernels.push_back({std::string(name.substr(kText.size())), section->sh_info >> 24, 0, 0});
    else if (name.starts_with(kShared))
      shared[name.substr(kShared.size())] = static_cast<uint32_t>(section->sh_size);
    else if (name.starts_with(kInfo))
      readStacks(elf, *section, stacks);
  }
  for (KernelResources &kernel : kernels) {
    if (auto found = shared.find(kernel.name); found != shared.end())
      kernel.sharedBytes = found->second;
    for (auto [symbol, bytes] : stacks)
      if (symbol < symbols.size() && symbols[symbol] == kernel.name)
        kernel.stackBytes = std::max(kernel.stackBytes, bytes);
  }
  return kernels;
}

} // namespace strata
