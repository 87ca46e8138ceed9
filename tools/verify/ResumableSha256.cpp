// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The interface with a visible state is marked as old in OpenSSL 3, and there is no newer one that has it.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tools/verify/ResumableSha256.h"

#include <algorithm>
#include <openssl/sha.h>

namespace strata::verify {

struct ResumableSha256::Context {
  SHA256_CTX sha;
};

ResumableSha256::ResumableSha256() : context(std::make_unique<Context>()) {
  SHA256_Init(&context->sha);
}
ResumableSha256::~ResumableSha256() = default;
ResumableSha256::ResumableSha256(ResumableSha256 &&) noexcept = default;
ResumableSha256 &ResumableSha256::operator=(ResumableSha256 &&) noexcept = default;

void ResumableSha256::update(std::span<const std::byte> bytes) {
  SHA256_Update(&context->sha, bytes.data(), bytes.size());
}

Digest ResumableSha256::finish() {
  Digest digest;
  SHA256_Final(digest.data(), &context->sha);
  return digest;
}

std::vector<uint32_t> ResumableSha256::state() const {
  return {std::begin(context->sha.h), std::end(context->sha.h)};
}

void ResumableSha256::resume(std::span<const uint32_t, 8> state, uint64_t bytes) {
  SHA256_Init(&context->sha);
  std::copy(state.begin(), state.end(), std::begin(context->sha.h));
  uint64_t bits = bytes * 8;
  context->sha.Nl = static_cast<SHA_LONG>(bits);
  context->sha.Nh = static_cast<SHA_LONG>(bits >> 32);
}

} // namespace strata::verify
