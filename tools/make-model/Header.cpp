// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/make-model/Shape.h"

#include <bit>
#include <string_view>

namespace strata::making {

namespace {

/// Kinds of values, as GGUF numbers them.
enum class Kind : uint32_t { Unsigned = 4, Signed = 5, Float = 6, Bool = 7, String = 8, Array = 9 };

/// Kinds of tokens, as GGUF numbers them.
constexpr uint32_t kNormal = 1, kControl = 3, kUserDefined = 4;

/// Little-endian, as GGUF is.
class HeaderWriter {
public:
  template <typename T> void put(T value) {
    static_assert(std::endian::native == std::endian::little);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  void putText(std::string_view text) {
    put(static_cast<uint64_t>(text.size()));
    bytes += text;
  }
  void text(std::string_view key, std::string_view value) {
    begin(key, Kind::String);
    putText(value);
  }
  void number(std::string_view key, uint32_t value) {
    begin(key, Kind::Unsigned);
    put(value);
  }
  void real(std::string_view key, float value) {
    begin(key, Kind::Float);
    put(value);
  }
  void flag(std::string_view key, bool value) {
    begin(key, Kind::Bool);
    put(static_cast<uint8_t>(value));
  }
  void texts(std::string_view key, const std::vector<std::string> &values) {
    beginArray(key, Kind::String, values.size());
    for (const std::string &value : values)
      putText(value);
  }
  void numbers(std::string_view key, const std::vector<uint32_t> &values) {
    beginArray(key, Kind::Signed, values.size());
    for (uint32_t value : values)
      put(value);
  }

  std::string bytes;
  uint64_t pairs = 0;

private:
  void begin(std::string_view key, Kind kind) {
    ++pairs;
    putText(key);
    put(static_cast<uint32_t>(kind));
  }
  void beginArray(std::string_view key, Kind kind, uint64_t count) {
    begin(key, Kind::Array);
    put(static_cast<uint32_t>(kind));
    put(count);
  }
};

/// The character that stands for a byte in a byte-level vocabulary: itself if it is printable, else one from U+0100 on.
std::string characterOfByte(unsigned byte) {
  auto printable = [](unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  unsigned code = byte;
  if (!printable(byte)) {
    code = 256;
    for (unsigned before = 0; before < byte; ++before)
      code += printable(before) ? 0 : 1;
  }
  if (code < 128)
    return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
}

struct Vocabulary {
  std::vector<std::string> tokens, merges;
  std::vector<uint32_t> types;

  void add(std::string token, uint32_t type) {
    tokens.push_back(std::move(token));
    types.push_back(type);
  }
};

/// Special tokens, all bytes, and then merges of letters: two, three and four of them, as many as are asked for.
Vocabulary makeVocabulary(uint32_t size) {
  Vocabulary result;
  for (const char *name :
       {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<｜User｜>", "<｜Assistant｜>"})
    result.add(name, kControl);
  result.add("<think>", kUserDefined);
  result.add("</think>", kUserDefined);
  std::vector<std::string> longest;
  for (unsigned byte = 0; byte < 256; ++byte)
    result.add(characterOfByte(byte), kNormal);
  for (char letter = 'a'; letter <= 'z'; ++letter)
    longest.emplace_back(1, letter);
  while (result.tokens.size() < size) {
    std::vector<std::string> longer;
    for (const std::string &left : longest) {
      for (char letter = 'a'; letter <= 'z' && result.tokens.size() < size; ++letter) {
        result.merges.push_back(left + ' ' + letter);
        result.add(left + letter, kNormal);
        longer.push_back(left + letter);
      }
    }
    longest = std::move(longer);
  }
  return result;
}

void putTokenizer(HeaderWriter &out, const Shape &shape) {
  Vocabulary vocabulary = makeVocabulary(shape.vocabulary);
  out.text("tokenizer.ggml.model", "gpt2");
  out.text("tokenizer.ggml.pre", "deepseek-v3");
  out.texts("tokenizer.ggml.tokens", vocabulary.tokens);
  out.numbers("tokenizer.ggml.token_type", vocabulary.types);
  out.texts("tokenizer.ggml.merges", vocabulary.merges);
  out.number("tokenizer.ggml.bos_token_id", 0);
  out.number("tokenizer.ggml.eos_token_id", 1);
  out.number("tokenizer.ggml.padding_token_id", 2);
  out.flag("tokenizer.ggml.add_bos_token", true);
  out.flag("tokenizer.ggml.add_eos_token", false);
}

void putSizes(HeaderWriter &out, const Shape &shape) {
  out.number("deepseek2.block_count", shape.denseLayers + shape.moeLayers);
  out.number("deepseek2.context_length", 163840);
  out.number("deepseek2.embedding_length", shape.embedding);
  out.number("deepseek2.feed_forward_length", shape.feedForward);
  out.number("deepseek2.attention.head_count", shape.heads);
  out.number("deepseek2.attention.head_count_kv", 1);
  out.real("deepseek2.attention.layer_norm_rms_epsilon", 1e-6F);
  out.number("deepseek2.attention.q_lora_rank", shape.queryRank);
  out.number("deepseek2.attention.kv_lora_rank", shape.latent);
  out.number("deepseek2.attention.key_length", shape.latent + shape.rope);
  out.number("deepseek2.attention.value_length", shape.latent);
  out.number("deepseek2.attention.key_length_mla", shape.nope + shape.rope);
  out.number("deepseek2.attention.value_length_mla", shape.value);
  out.number("deepseek2.vocab_size", shape.vocabulary);
  out.number("deepseek2.rope.dimension_count", shape.rope);
  out.real("deepseek2.rope.freq_base", 10000);
  out.text("deepseek2.rope.scaling.type", "yarn");
  out.real("deepseek2.rope.scaling.factor", 40);
  out.number("deepseek2.rope.scaling.original_context_length", 4096);
  out.real("deepseek2.rope.scaling.yarn_log_multiplier", 0.1F);
  out.real("deepseek2.rope.scaling.yarn_beta_fast", 32);
  out.real("deepseek2.rope.scaling.yarn_beta_slow", 1);
}

void putExperts(HeaderWriter &out, const Shape &shape) {
  out.number("deepseek2.leading_dense_block_count", shape.denseLayers);
  out.number("deepseek2.expert_count", shape.experts);
  out.number("deepseek2.expert_used_count", shape.expertsUsed);
  out.number("deepseek2.expert_shared_count", 1);
  out.number("deepseek2.expert_feed_forward_length", shape.expertFeedForward);
  out.number("deepseek2.expert_group_count", shape.groups);
  out.number("deepseek2.expert_group_used_count", shape.groupsUsed);
  out.number("deepseek2.expert_gating_func", 2);
  out.real("deepseek2.expert_weights_scale", 2.5F);
  out.flag("deepseek2.expert_weights_norm", true);
}

} // namespace

std::string makeHeader(const Shape &shape, const std::vector<Tensor> &tensors) {
  HeaderWriter body;
  body.text("general.architecture", "deepseek2");
  body.text("general.type", "model");
  body.text("general.name", "Random weights in the shape of DeepSeek V3.1");
  body.number("general.file_type", 2);
  body.number("general.quantization_version", 2);
  putSizes(body, shape);
  putExperts(body, shape);
  putTokenizer(body, shape);
  for (const Tensor &tensor : tensors) {
    body.putText(tensor.name);
    body.put(static_cast<uint32_t>(tensor.dimensions.size()));
    for (uint64_t dimension : tensor.dimensions)
      body.put(dimension);
    body.put(static_cast<uint32_t>(tensor.type));
    body.put(tensor.offset);
  }
  HeaderWriter whole;
  whole.bytes = "GGUF";
  whole.put(uint32_t{3});
  whole.put(static_cast<uint64_t>(tensors.size()));
  whole.put(body.pairs);
  whole.bytes += body.bytes;
  whole.bytes.resize((whole.bytes.size() + 31) / 32 * 32);
  return std::move(whole.bytes);
}

} // namespace strata::making
