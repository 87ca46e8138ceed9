// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A vocabulary of all bytes and a few merges, made for a test to change.
#pragma once

#include "runtime/Text/ByteSpelling.h"
#include "runtime/Text/Utf8.h"
#include "runtime/Text/Vocabulary.h"

#include <deque>

namespace strata::text {

struct SmallVocabulary {
  SmallVocabulary() {
    source.preTokenizer = "deepseek-v3";
    add("<bos>", TokenType::Control);
    add("<eos>", TokenType::Control);
    source.bos = 0;
    source.eos = 1;
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::string name;
      appendUtf8(name, spellByte(static_cast<uint8_t>(byte)));
      add(name, TokenType::Normal);
    }
    addMerge("a", "b");
    addMerge("a", "a");
    addMerge("aa", "aa");
  }

  int32_t add(std::string name, TokenType type) {
    tokens.push_back(std::move(name));
    source.types.push_back(static_cast<int64_t>(type));
    return static_cast<int32_t>(tokens.size() - 1);
  }
  void addMerge(const std::string &left, const std::string &right) {
    add(left + right, TokenType::Normal);
    merges.push_back(left + " " + right);
  }
  Result<Vocabulary> create() const {
    VocabularySource whole = source;
    whole.tokens.assign(tokens.begin(), tokens.end());
    whole.merges.assign(merges.begin(), merges.end());
    return Vocabulary::create(whole);
  }

  VocabularySource source; ///< All but tokens and merges.
  std::deque<std::string> tokens, merges;
};

} // namespace strata::text
