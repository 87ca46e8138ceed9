// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The tokens, merges and special tokens of a byte-level BPE vocabulary.
#pragma once

#include "runtime/Base/Error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace strata::text {

/// The values of `tokenizer.ggml.token_type`.
enum class TokenType : uint8_t {
  Undefined = 0,
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6
};

/// What a GGUF's header says about its vocabulary, not yet checked. The views need to live until create() returns.
struct VocabularySource {
  std::string model = "gpt2";            ///< tokenizer.ggml.model
  std::string preTokenizer;              ///< tokenizer.ggml.pre
  std::vector<std::string_view> tokens;  ///< tokenizer.ggml.tokens, indexed by id
  std::vector<int64_t> types;            ///< tokenizer.ggml.token_type, as many
  std::vector<std::string_view> merges;  ///< tokenizer.ggml.merges, "LEFT RIGHT", best first
  std::optional<uint64_t> bos;           ///< tokenizer.ggml.bos_token_id
  std::optional<uint64_t> eos;           ///< tokenizer.ggml.eos_token_id
  std::optional<uint64_t> pad;           ///< tokenizer.ggml.padding_token_id
  bool addBos = true;                    ///< tokenizer.ggml.add_bos_token
  std::optional<uint64_t> embeddingRows; ///< Rows of token_embd.weight, where they are known.
};

/// A checked vocabulary. Immutable, so that threads may share it.
class Vocabulary {
public:
  /// A merge of two neighbours: lower ranks merge first.
  struct Merge {
    int32_t rank;
    int32_t token; ///< What the two become.
  };

  /// Checks and copies `source`. Errors (exit code 1, id G48): token count unlike embeddingRows or the count of types;
  /// an unknown type; a merge that is not two known tokens whose concatenation is a third; a bos, eos or pad id past
  /// the end; a byte token that is not <0xHH>.
  static Result<Vocabulary> create(const VocabularySource &source);

  size_t size() const { return types.size(); }
  /// True if `id` names a token.
  bool contains(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < size(); }
  /// The bytes a token stands for: special tokens their own name, unused ones and ids that name no token nothing.
  std::string_view bytes(int32_t id) const;
  TokenType type(int32_t id) const { return types[static_cast<size_t>(id)]; }

  /// The token of one byte, the unit that BPE starts from; nothing if the vocabulary lacks it.
  std::optional<int32_t> byteToken(uint8_t byte) const;
  std::optional<Merge> findMerge(int32_t left, int32_t right) const;

  /// A special token at the beginning of a text.
  struct Special {
    int32_t id;
    size_t length; ///< In bytes.
  };
  /// The longest special token (types Control and UserDefined) that `text` begins with.
  std::optional<Special> longestSpecial(std::string_view text) const;
  /// The special token whose name is all of `text`.
  std::optional<int32_t> findSpecial(std::string_view text) const;
  /// True if some special token begins with this byte.
  bool beginsSpecial(char byte) const { return specialLeads[static_cast<unsigned char>(byte)]; }

  std::optional<int32_t> bos() const { return bosId; }
  std::optional<int32_t> eos() const { return eosId; }
  std::optional<int32_t> pad() const { return padId; }
  bool addBos() const { return addBosFlag; }
  std::string_view model() const { return modelName; }
  std::string_view preTokenizer() const { return preTokenizerName; }

private:
  Vocabulary() = default;

  /// Ids by the tokens' names in the file, where bytes are spelled as GPT-2's printable characters.
  using Names = std::unordered_map<std::string_view, int32_t>;

  Result<void> addTokens(const VocabularySource &source);
  Result<void> addToken(std::string_view name, int64_t type, size_t id);
  Result<void> addMerges(const VocabularySource &source, const Names &names);
  void addByteTokens(const Names &names);
  void addSpecials();
  static uint64_t mergeKey(int32_t left, int32_t right);

  std::string modelName, preTokenizerName;
  std::vector<TokenType> types;
  std::string allBytes;            ///< The tokens' bytes, one after the other.
  std::vector<size_t> byteOffsets; ///< Where each token's bytes begin, and the end.
  std::array<int32_t, 256> byteTokens{};
  std::unordered_map<uint64_t, Merge> merges; ///< By mergeKey.
  std::vector<int32_t> specials;              ///< Sorted by name.
  std::array<bool, 256> specialLeads{};
  std::optional<int32_t> bosId, eosId, padId;
  bool addBosFlag = true;
};

} // namespace strata::text
