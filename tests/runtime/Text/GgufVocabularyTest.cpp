// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Vocabularies of files that are wrong on purpose.
#include "runtime/Text/GgufVocabulary.h"
#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <gmock/gmock.h>

using namespace strata;
using namespace strata::text;
using gguf::GgufBuilder;
using testing::HasSubstr;

namespace {

/// A file with a vocabulary of three tokens.
GgufBuilder smallFile() {
  return GgufBuilder()
      .set("tokenizer.ggml.model", std::string("gpt2"))
      .set("tokenizer.ggml.pre", std::string("deepseek-v3"))
      .set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "ab"})
      .set("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1, 1})
      .set("tokenizer.ggml.merges", std::vector<std::string>{"a b"})
      .set("tokenizer.ggml.bos_token_id", 0U)
      .set("tokenizer.ggml.eos_token_id", 1U)
      .set("tokenizer.ggml.padding_token_id", 2U)
      .set("tokenizer.ggml.add_bos_token", false)
      .tensor("token_embd.weight", {3, 32}, Encoding::Q4_0);
}

Result<Vocabulary> read(const GgufBuilder &file) {
  TemporaryFolder folder;
  Result<gguf::Model> model = gguf::Model::open(folder.write("model.gguf", file.bytes()));
  if (!model)
    throw std::runtime_error(model.error().message);
  return readVocabulary(*model);
}

void expectError(const GgufBuilder &file, std::string_view id, std::string_view part) {
  Result<Vocabulary> vocabulary = read(file);
  ASSERT_FALSE(vocabulary) << part;
  EXPECT_EQ(vocabulary.error().code, ExitCode::Input);
  EXPECT_EQ(vocabulary.error().id, id);
  EXPECT_THAT(vocabulary.error().message, HasSubstr(part));
}

TEST(GgufVocabulary, ReadsEveryKey) {
  Result<Vocabulary> vocabulary = read(smallFile());
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ(vocabulary->size(), 3U);
  EXPECT_EQ(vocabulary->preTokenizer(), "deepseek-v3");
  EXPECT_EQ(vocabulary->findMerge(0, 1)->token, 2);
  EXPECT_EQ(vocabulary->bos(), 0);
  EXPECT_EQ(vocabulary->eos(), 1);
  EXPECT_EQ(vocabulary->pad(), 2);
  EXPECT_FALSE(vocabulary->addBos());
}

TEST(GgufVocabulary, OptionalKeysMayBeMissing) {
  GgufBuilder file = smallFile();
  for (const char *key : {"bos_token_id", "eos_token_id", "padding_token_id", "add_bos_token"})
    file.remove(std::string("tokenizer.ggml.") + key);
  Result<Vocabulary> vocabulary = read(file.removeTensor("token_embd.weight"));
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ(vocabulary->bos(), std::nullopt);
  EXPECT_TRUE(vocabulary->addBos());
}

TEST(GgufVocabulary, G44MissingOrMistypedKeys) {
  for (const char *key : {"model", "pre", "tokens", "token_type", "merges"}) {
    std::string name = std::string("tokenizer.ggml.") + key;
    expectError(smallFile().remove(name), "G44", name);
    expectError(smallFile().set(name, 1.0F), "G44", name);
  }
  for (const char *key : {"bos_token_id", "eos_token_id", "padding_token_id", "add_bos_token"}) {
    std::string name = std::string("tokenizer.ggml.") + key;
    expectError(smallFile().set(name, std::string("0")), "G44", name);
  }
}

TEST(GgufVocabulary, G48WhatDoesNotFitTogether) {
  expectError(smallFile().reshape("token_embd.weight", {4, 32}, Encoding::Q4_0), "G48", "token_embd.weight has 4 rows");
  expectError(smallFile().set("tokenizer.ggml.token_type", std::vector<int32_t>{1, 1}), "G48", "token_type has 2");
  expectError(smallFile().set("tokenizer.ggml.merges", std::vector<std::string>{"ab"}), "G48", "merge 0");
  expectError(smallFile().set("tokenizer.ggml.merges", std::vector<std::string>{"a c"}), "G48", "\"c\"");
  expectError(smallFile().set("tokenizer.ggml.bos_token_id", 3U), "G48", "bos_token_id is 3");
  expectError(smallFile().set("tokenizer.ggml.eos_token_id", UINT64_MAX), "G48", "eos_token_id");
  expectError(smallFile().set("tokenizer.ggml.padding_token_id", 3U), "G48", "padding_token_id is 3");
  expectError(smallFile().set("tokenizer.ggml.token_type", std::vector<int32_t>{1, 6, 1}), "G48", "byte token");
}

} // namespace
