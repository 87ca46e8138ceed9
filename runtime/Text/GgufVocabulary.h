// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The vocabulary that a GGUF's header holds.
#pragma once

#include "runtime/Text/Vocabulary.h"
#include "runtime/Weights/Gguf.h"

namespace strata::text {

/// What the `tokenizer.ggml.*` keys and the rows of token_embd.weight say, unchecked; its views live as long as
/// `model`. Errors: G44 (exit code 1) where a key is missing or of another type.
Result<VocabularySource> readVocabularySource(const gguf::Model &model);

/// The vocabulary of a GGUF. Errors: those of readVocabularySource and Vocabulary::create.
Result<Vocabulary> readVocabulary(const gguf::Model &model);

} // namespace strata::text
