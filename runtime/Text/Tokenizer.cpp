// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Tokenizer.h"

#include "runtime/Text/BytePairs.h"
#include "runtime/Text/Utf8.h"

#include <fmt/format.h>

namespace strata::text {

static Result<PreTokenizer> makePreTokenizer(const Vocabulary &vocabulary) {
  if (vocabulary.model() != "gpt2")
    return fail(
        ExitCode::Input, "",
        fmt::format("the tokenizer \"{}\" (tokenizer.ggml.model) is not supported, only \"gpt2\" is; give token "
                    "ids with --tokens instead of text",
                    escapeName(vocabulary.model())));
  return PreTokenizer::create(vocabulary.preTokenizer());
}

Tokenizer::Tokenizer(Vocabulary vocabulary) : vocab(std::move(vocabulary)), preTokenizer(makePreTokenizer(vocab)) {}

/// The length of the invalid bytes that `text` begins with.
static size_t invalidPrefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Step step = utf8Step(text.substr(at));
    if (step.kind == Utf8Kind::Character)
      break;
    at += step.length;
  }
  return at;
}

Result<void> Tokenizer::encodeText(std::string_view text, std::vector<int32_t> &ids) const {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    size_t valid = validUtf8Prefix(text);
    STRATA_TRY(preTokenizer->split(text.substr(0, valid), pieces));
    text.remove_prefix(valid);
    size_t invalid = invalidPrefix(text);
    pieces.push_back(text.substr(0, invalid));
    text.remove_prefix(invalid);
  }
  BytePairEncoder encoder(vocab);
  for (std::string_view piece : pieces)
    STRATA_TRY(encoder.encode(piece, ids));
  return {};
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, bool parseSpecial) const {
  if (!preTokenizer)
    return tl::unexpected<Error>(preTokenizer.error());
  std::vector<int32_t> ids;
  size_t begin = 0; // of the text that is not encoded yet
  for (size_t at = 0; parseSpecial && at < text.size();) {
    std::optional<Vocabulary::Special> special;
    if (vocab.beginsSpecial(text[at]))
      special = vocab.longestSpecial(text.substr(at));
    if (!special) {
      ++at;
      continue;
    }
    STRATA_TRY(encodeText(text.substr(begin, at - begin), ids));
    ids.push_back(special->id);
    at += special->length;
    begin = at;
  }
  STRATA_TRY(encodeText(text.substr(begin), ids));
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string bytes;
  for (int32_t id : ids)
    bytes += vocab.bytes(id);
  return bytes;
}

} // namespace strata::text
