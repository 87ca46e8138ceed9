// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/PreTokenizer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace strata::text {

namespace {

struct CodeDeleter {
  void operator()(pcre2_code *code) const { pcre2_code_free(code); }
};
struct MatchDataDeleter {
  void operator()(pcre2_match_data *data) const { pcre2_match_data_free(data); }
};
struct MatchContextDeleter {
  void operator()(pcre2_match_context *context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, CodeDeleter>;

/// Unicode's White_Space. PCRE2's own \s has U+180E too, which is no white space since Unicode 6.3.
#define WHITE_SPACE R"(\x09-\x0D\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"

/// The split expressions of DeepSeek-V3's tokenizer.json: digits in threes; runs of Han, Hiragana and Katakana; then
/// words, punctuation, line ends and white space.
constexpr std::array<std::string_view, 3> kDeepSeekV3 = {
    R"(\p{N}{1,3})",
    R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)"
    R"(|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*)"
    R"(|[)" WHITE_SPACE R"(]*[\r\n]+)"
    R"(|[)" WHITE_SPACE R"(]+(?![^)" WHITE_SPACE R"(]))"
    R"(|[)" WHITE_SPACE R"(]+)",
};
#undef WHITE_SPACE

std::string pcreMessage(int code) {
  std::array<PCRE2_UCHAR, 128> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char *>(text.data());
}

Result<Code> compile(std::string_view expression) {
  int error = 0;
  PCRE2_SIZE at = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr));
  if (!code)
    return fail(ExitCode::Bug, "", fmt::format("split expression, character {}: {}", at, pcreMessage(error)));
  // Where there is no JIT compiler, or the system forbids executable memory, PCRE2 interprets: slower, same matches.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

} // namespace

struct PreTokenizer::Expressions {
  std::vector<Code> codes; ///< Each splits the pieces that the former ones left.
  MatchLimit limit;

  Result<void> splitPiece(const pcre2_code *code, std::string_view piece, std::vector<std::string_view> &pieces) const;
};

PreTokenizer::PreTokenizer(std::unique_ptr<Expressions> compiled) : expressions(std::move(compiled)) {}
PreTokenizer::PreTokenizer(PreTokenizer &&) = default;
PreTokenizer &PreTokenizer::operator=(PreTokenizer &&) = default;
PreTokenizer::~PreTokenizer() = default;

Result<PreTokenizer> PreTokenizer::create(std::string_view name, MatchLimit limit) {
  if (name != "deepseek-v3")
    return fail(ExitCode::Input, "",
                fmt::format("the pre-tokenizer \"{}\" (tokenizer.ggml.pre) is not supported, only \"deepseek-v3\" is; "
                            "give token ids with --tokens instead of text",
                            escapeName(name)));
  auto expressions = std::make_unique<Expressions>();
  expressions->limit = limit;
  for (std::string_view expression : kDeepSeekV3) {
    STRATA_ASSIGN(Code code, compile(expression));
    expressions->codes.push_back(std::move(code));
  }
  return PreTokenizer(std::move(expressions));
}

/// Appends the matches of `code` in `piece` and what is between them.
Result<void> PreTokenizer::Expressions::splitPiece(const pcre2_code *code, std::string_view piece,
                                                   std::vector<std::string_view> &pieces) const {
  std::unique_ptr<pcre2_match_data, MatchDataDeleter> data(pcre2_match_data_create_from_pattern(code, nullptr));
  std::unique_ptr<pcre2_match_context, MatchContextDeleter> context(pcre2_match_context_create(nullptr));
  if (!data || !context)
    return fail(ExitCode::Machine, "", "out of memory while splitting the text");
  // The expressions backtrack at most once over a run, so their work is linear in the piece. So is the limit: it turns
  // a mistake in an expression into an error instead of a hang.
  uint64_t steps = std::min<uint64_t>(UINT32_MAX, limit.base + limit.perByte * piece.size());
  pcre2_set_match_limit(context.get(), static_cast<uint32_t>(steps));

  size_t from = 0;
  while (from < piece.size()) {
    int count = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), from,
                            PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data.get(), context.get());
    if (count == PCRE2_ERROR_NOMATCH)
      break;
    if (count < 0)
      return fail(ExitCode::Input, "",
                  fmt::format("the text cannot be split into words at byte {} of a run of {} bytes ({}); give it in "
                              "smaller parts",
                              from, piece.size(), pcreMessage(count)));
    const PCRE2_SIZE *match = pcre2_get_ovector_pointer(data.get());
    if (match[0] > from)
      pieces.push_back(piece.substr(from, match[0] - from));
    pieces.push_back(piece.substr(match[0], match[1] - match[0]));
    from = match[1];
  }
  if (from < piece.size())
    pieces.push_back(piece.substr(from));
  return {};
}

Result<void> PreTokenizer::split(std::string_view text, std::vector<std::string_view> &pieces) const {
  std::vector<std::string_view> current = {text}, next;
  for (const Code &code : expressions->codes) {
    next.clear();
    for (std::string_view piece : current)
      STRATA_TRY(expressions->splitPiece(code.get(), piece, next));
    current.swap(next);
  }
  pieces.insert(pieces.end(), current.begin(), current.end());
  return {};
}

} // namespace strata::text
