// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// SHA-256 of a stream of bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace strata {

using Digest = std::array<uint8_t, 32>;

/// Lower-case hexadecimal.
std::string toHex(const Digest &digest);

/// OpenSSL's SHA-256 (FIPS 180-4).
class Sha256 {
public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  /// The digest of all bytes so far; nothing may follow.
  Digest finish();

private:
  struct Free {
    void operator()(evp_md_ctx_st *context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context;
};

} // namespace strata
