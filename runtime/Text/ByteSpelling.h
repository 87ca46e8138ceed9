// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How byte-level BPE vocabularies spell bytes as printable characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::text {

/// GPT-2's spelling of a byte (openai/gpt-2, encoder.py, bytes_to_unicode): the printable bytes of Latin-1 are
/// themselves, the others are U+0100 upwards in ascending order, so that a space is U+0120.
char32_t spellByte(uint8_t byte);

/// The byte that a character spells, if it spells one.
std::optional<uint8_t> unspellByte(char32_t character);

/// Appends the bytes that `name` spells; what spells no byte is kept as it is.
void appendUnspelled(std::string &bytes, std::string_view name);

} // namespace strata::text
