// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/GgufVocabulary.h"

namespace strata::text {

static std::vector<std::string_view> viewsOf(const gguf::StringArray &strings) {
  std::vector<std::string_view> views;
  views.reserve(strings.size());
  for (uint64_t index = 0; index < strings.size(); ++index)
    views.push_back(strings.at(index));
  return views;
}

/// Nothing if the key is absent; an error if it is there and no unsigned number.
static Result<std::optional<uint64_t>> optionalId(const gguf::Metadata &metadata, std::string_view key) {
  if (!metadata.find(key))
    return std::optional<uint64_t>();
  STRATA_ASSIGN(uint64_t id, metadata.getUnsigned(key));
  return std::optional<uint64_t>(id);
}

Result<VocabularySource> readVocabularySource(const gguf::Model &model) {
  const gguf::Metadata &metadata = model.metadata();
  VocabularySource source;
  STRATA_ASSIGN(source.model, metadata.getString("tokenizer.ggml.model"));
  STRATA_ASSIGN(const gguf::StringArray *tokens, metadata.getStrings("tokenizer.ggml.tokens"));
  source.tokens = viewsOf(*tokens);
  STRATA_ASSIGN(source.types, metadata.getIntegers("tokenizer.ggml.token_type"));
  // Only BPE has merges and a pre-tokenizer; text for another model is refused by the tokenizer, ids still decode.
  if (source.model == "gpt2") {
    STRATA_ASSIGN(source.preTokenizer, metadata.getString("tokenizer.ggml.pre"));
    STRATA_ASSIGN(const gguf::StringArray *merges, metadata.getStrings("tokenizer.ggml.merges"));
    source.merges = viewsOf(*merges);
  }
  STRATA_ASSIGN(source.bos, optionalId(metadata, "tokenizer.ggml.bos_token_id"));
  STRATA_ASSIGN(source.eos, optionalId(metadata, "tokenizer.ggml.eos_token_id"));
  STRATA_ASSIGN(source.pad, optionalId(metadata, "tokenizer.ggml.padding_token_id"));
  if (metadata.find("tokenizer.ggml.add_bos_token")) {
    STRATA_ASSIGN(source.addBos, metadata.getBool("tokenizer.ggml.add_bos_token"));
  }
  const gguf::TensorInfo *embedding = model.findTensor("token_embd.weight");
  if (embedding && !embedding->dimensions.empty())
    source.embeddingRows = embedding->dimensions.front();
  return source;
}

Result<Vocabulary> readVocabulary(const gguf::Model &model) {
  STRATA_ASSIGN(VocabularySource source, readVocabularySource(model));
  return Vocabulary::create(source);
}

} // namespace strata::text
