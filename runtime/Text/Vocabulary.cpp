// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Vocabulary.h"

#include "runtime/Base/Checked.h"
#include "runtime/Text/ByteSpelling.h"
#include "runtime/Text/Utf8.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace strata::text {

static tl::unexpected<Error> malformed(std::string message) {
  return fail(ExitCode::Input, "G48", std::move(message) + "; the file's vocabulary is damaged, get the file again");
}

/// The byte of a token named "<0xHH>".
static std::optional<uint8_t> parseByteName(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>')
    return std::nullopt;
  unsigned byte = 0;
  auto [end, error] = std::from_chars(name.data() + 3, name.data() + 5, byte, 16);
  if (error != std::errc() || end != name.data() + 5)
    return std::nullopt;
  return static_cast<uint8_t>(byte);
}

static Result<std::optional<int32_t>> checkId(std::string_view key, std::optional<uint64_t> id, size_t count) {
  if (!id)
    return std::optional<int32_t>();
  if (*id >= count)
    return malformed(fmt::format("tokenizer.ggml.{} is {}, but there are {} tokens", key, *id, count));
  return std::optional<int32_t>(static_cast<int32_t>(*id));
}

Result<Vocabulary> Vocabulary::create(const VocabularySource &source) {
  Vocabulary vocabulary;
  vocabulary.modelName = source.model;
  vocabulary.preTokenizerName = source.preTokenizer;
  vocabulary.addBosFlag = source.addBos;
  STRATA_TRY(vocabulary.addTokens(source));

  Names names;
  names.reserve(source.tokens.size());
  for (size_t id = 0; id < source.tokens.size(); ++id)
    names.emplace(source.tokens[id], static_cast<int32_t>(id));
  STRATA_TRY(vocabulary.addMerges(source, names));
  vocabulary.addByteTokens(names);
  vocabulary.addSpecials();

  STRATA_ASSIGN(vocabulary.bosId, checkId("bos_token_id", source.bos, vocabulary.size()));
  STRATA_ASSIGN(vocabulary.eosId, checkId("eos_token_id", source.eos, vocabulary.size()));
  STRATA_ASSIGN(vocabulary.padId, checkId("padding_token_id", source.pad, vocabulary.size()));
  return vocabulary;
}

Result<void> Vocabulary::addTokens(const VocabularySource &source) {
  size_t count = source.tokens.size();
  if (!Checked(count).as<int32_t>())
    return malformed(fmt::format("tokenizer.ggml.tokens has {} tokens, more than ids can number", count));
  if (source.embeddingRows && *source.embeddingRows != count)
    return malformed(fmt::format("tokenizer.ggml.tokens has {} tokens, but token_embd.weight has {} rows", count,
                                 *source.embeddingRows));
  if (source.types.size() != count)
    return malformed(fmt::format("tokenizer.ggml.token_type has {} entries for {} tokens", source.types.size(), count));
  byteTokens.fill(-1);
  types.reserve(count);
  byteOffsets.reserve(count + 1);
  byteOffsets.push_back(0);
  for (size_t id = 0; id < count; ++id)
    STRATA_TRY(addToken(source.tokens[id], source.types[id], id));
  return {};
}

Result<void> Vocabulary::addToken(std::string_view name, int64_t type, size_t id) {
  if (type < 0 || type > static_cast<int64_t>(TokenType::Byte))
    return malformed(fmt::format("tokenizer.ggml.token_type of token {} is {}, which no type has", id, type));
  auto known = static_cast<TokenType>(type);
  switch (known) {
  case TokenType::Undefined:
  case TokenType::Normal:
    appendUnspelled(allBytes, name);
    break;
  case TokenType::Unknown:
  case TokenType::Control:
  case TokenType::UserDefined:
    allBytes += name;
    break;
  case TokenType::Unused:
    break;
  case TokenType::Byte: {
    std::optional<uint8_t> byte = parseByteName(name);
    if (!byte)
      return malformed(fmt::format(
          "token {} is a byte token named \"{}\" instead of <0xHH> with two hexadecimal digits", id, escapeName(name)));
    allBytes.push_back(static_cast<char>(*byte));
    byteTokens[*byte] = static_cast<int32_t>(id);
    break;
  }
  }
  types.push_back(known);
  byteOffsets.push_back(allBytes.size());
  return {};
}

Result<void> Vocabulary::addMerges(const VocabularySource &source, const Names &names) {
  if (!Checked(source.merges.size()).as<int32_t>())
    return malformed(fmt::format("tokenizer.ggml.merges has {} merges, too many to rank", source.merges.size()));
  merges.reserve(source.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < source.merges.size(); ++rank) {
    std::string_view merge = source.merges[rank];
    size_t space = merge.find(' ');
    if (space == 0 || space == std::string_view::npos || space + 1 == merge.size() ||
        merge.find(' ', space + 1) != std::string_view::npos)
      return malformed(
          fmt::format("merge {} is \"{}\" instead of two tokens with a space between", rank, escapeName(merge)));
    std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    joined.assign(left);
    joined += right;
    auto leftName = names.find(left), rightName = names.find(right), joinedName = names.find(joined);
    std::string_view unknown = leftName == names.end()     ? left
                               : rightName == names.end()  ? right
                               : joinedName == names.end() ? std::string_view(joined)
                                                           : std::string_view();
    if (!unknown.empty())
      return malformed(fmt::format("merge {} (\"{}\") needs the token \"{}\", which does not exist", rank,
                                   escapeName(merge), escapeName(unknown)));
    // A repeated merge keeps its better rank.
    merges.emplace(mergeKey(leftName->second, rightName->second),
                   Merge{static_cast<int32_t>(rank), joinedName->second});
  }
  return {};
}

void Vocabulary::addByteTokens(const Names &names) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string name;
    appendUtf8(name, spellByte(static_cast<uint8_t>(byte)));
    auto found = names.find(name);
    if (found != names.end() && type(found->second) == TokenType::Normal)
      byteTokens[byte] = found->second;
  }
}

void Vocabulary::addSpecials() {
  for (size_t index = 0; index < size(); ++index) {
    auto id = static_cast<int32_t>(index);
    bool special = type(id) == TokenType::Control || type(id) == TokenType::UserDefined;
    if (!special || bytes(id).empty())
      continue;
    specials.push_back(id);
    specialLeads[static_cast<unsigned char>(bytes(id).front())] = true;
  }
  std::stable_sort(specials.begin(), specials.end(),
                   [&](int32_t left, int32_t right) { return bytes(left) < bytes(right); });
}

std::string_view Vocabulary::bytes(int32_t id) const {
  if (!contains(id))
    return {};
  auto index = static_cast<size_t>(id);
  return std::string_view(allBytes).substr(byteOffsets[index], byteOffsets[index + 1] - byteOffsets[index]);
}

std::optional<int32_t> Vocabulary::byteToken(uint8_t byte) const {
  if (byteTokens[byte] < 0)
    return std::nullopt;
  return byteTokens[byte];
}

uint64_t Vocabulary::mergeKey(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

std::optional<Vocabulary::Merge> Vocabulary::findMerge(int32_t left, int32_t right) const {
  auto found = merges.find(mergeKey(left, right));
  if (found == merges.end())
    return std::nullopt;
  return found->second;
}

std::optional<Vocabulary::Special> Vocabulary::longestSpecial(std::string_view text) const {
  // Among sorted names those with a common beginning are neighbours, and the shortest comes first: narrow the range
  // byte by byte and remember each name that ends on the way.
  std::optional<Special> longest;
  auto begin = specials.begin(), end = specials.end();
  for (size_t length = 0; begin != end && length < text.size(); ++length) {
    auto wanted = static_cast<unsigned char>(text[length]);
    auto byteAt = [&](int32_t id) { return static_cast<unsigned char>(bytes(id)[length]); };
    begin = std::lower_bound(begin, end, wanted, [&](int32_t id, unsigned char byte) { return byteAt(id) < byte; });
    end = std::upper_bound(begin, end, wanted, [&](unsigned char byte, int32_t id) { return byte < byteAt(id); });
    if (begin != end && bytes(*begin).size() == length + 1)
      longest = {*begin, length + 1};
    while (begin != end && bytes(*begin).size() == length + 1)
      ++begin;
  }
  return longest;
}

std::optional<int32_t> Vocabulary::findSpecial(std::string_view text) const {
  auto found = std::lower_bound(specials.begin(), specials.end(), text,
                                [&](int32_t id, std::string_view name) { return bytes(id) < name; });
  if (found == specials.end() || bytes(*found) != text)
    return std::nullopt;
  return *found;
}

} // namespace strata::text
