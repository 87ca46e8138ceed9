// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Prompt.h"

#include <charconv>
#include <fmt/format.h>

namespace strata::text {

Result<std::vector<int32_t>> encodeChat(const Tokenizer &tokenizer, std::span<const ChatPiece> pieces) {
  std::vector<int32_t> ids;
  for (const ChatPiece &piece : pieces) {
    if (!piece.special) {
      STRATA_ASSIGN(std::vector<int32_t> text, tokenizer.encode(piece.text, /*parseSpecial=*/false));
      ids.insert(ids.end(), text.begin(), text.end());
      continue;
    }
    std::optional<int32_t> id = tokenizer.vocabulary().findSpecial(piece.text);
    if (!id)
      return fail(ExitCode::Input, "",
                  fmt::format("the vocabulary has no special token {}, so this is not a DeepSeek V3.1 chat model; give "
                              "plain text with --raw",
                              escapeName(piece.text)));
    ids.push_back(*id);
  }
  return ids;
}

Result<std::vector<int32_t>> encodeRaw(const Tokenizer &tokenizer, std::string_view text) {
  STRATA_ASSIGN(std::vector<int32_t> ids, tokenizer.encode(text, /*parseSpecial=*/true));
  const Vocabulary &vocabulary = tokenizer.vocabulary();
  bool hasBos = !ids.empty() && ids.front() == vocabulary.bos();
  if (vocabulary.addBos() && vocabulary.bos() && !hasBos)
    ids.insert(ids.begin(), *vocabulary.bos());
  return ids;
}

Result<std::vector<int32_t>> parseTokenIds(std::string_view list, uint64_t vocabularySize) {
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin <= list.size();) {
    size_t end = std::min(list.find(',', begin), list.size());
    std::string_view item = list.substr(begin, end - begin);
    int32_t id = -1;
    auto [rest, error] = std::from_chars(item.data(), item.data() + item.size(), id);
    if (error != std::errc() || rest != item.data() + item.size() || id < 0 ||
        static_cast<uint64_t>(id) >= vocabularySize)
      return fail(
          ExitCode::CommandLine, "",
          fmt::format("\"{}\" in the list of token ids is not a number below {}", escapeName(item), vocabularySize));
    ids.push_back(id);
    begin = end + 1;
  }
  return ids;
}

} // namespace strata::text
