// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// SHA-256 whose state can be written down and taken up again.
#pragma once

#include "runtime/Weights/Sha256.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace strata::verify {

/// OpenSSL's SHA-256. Its EVP interface, which Sha256 uses, cannot save a state; this is the older one of the same
/// library.
class ResumableSha256 {
public:
  ResumableSha256();
  ~ResumableSha256();
  ResumableSha256(ResumableSha256 &&) noexcept;
  ResumableSha256 &operator=(ResumableSha256 &&) noexcept;

  void update(std::span<const std::byte> bytes);
  Digest finish();

  /// The state after the last whole block of kBlockBytes: 8 words.
  std::vector<uint32_t> state() const;
  /// Goes on after `bytes` bytes, a multiple of kBlockBytes, with what state() returned then.
  void resume(std::span<const uint32_t, 8> state, uint64_t bytes);

  static constexpr uint64_t kBlockBytes = 64;

private:
  struct Context;
  std::unique_ptr<Context> context;
};

} // namespace strata::verify
