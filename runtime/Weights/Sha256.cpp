// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Sha256.h"

#include <fmt/format.h>
#include <new>
#include <openssl/evp.h>

namespace strata {

std::string toHex(const Digest &digest) {
  std::string text;
  for (uint8_t byte : digest)
    text += fmt::format("{:02x}", byte);
  return text;
}

void Sha256::Free::operator()(evp_md_ctx_st *freed) const {
  EVP_MD_CTX_free(freed);
}

// OpenSSL's digests fail for want of memory only.
static void check(int result) {
  if (result != 1)
    throw std::bad_alloc();
}

Sha256::Sha256() : context(EVP_MD_CTX_new()) {
  check(context != nullptr);
  check(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
}

void Sha256::update(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest = {};
  check(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr));
  return digest;
}

} // namespace strata
