// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reading the header of one GGUF file forwards, with errors that know where they are.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Sha256.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF numbers are little-endian and are copied as they are");

/// A file descriptor that closes itself.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(Descriptor &&other) noexcept : number(std::exchange(other.number, -1)) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  ~Descriptor();
  int get() const { return number; }

private:
  int number = -1;
};

/// The last component of a path.
std::string_view baseName(std::string_view path);

/// What to do about a file whose numbers cannot be right.
inline constexpr std::string_view kDamaged = "the file is damaged: download or convert it again";

/// A file of the model, as errors name it.
struct Place {
  std::string path;
  uint32_t number = 1; ///< From 1.
  uint32_t count = 1;  ///< Files of the split set.

  /// "tiny-00002-of-00003.gguf (file 2 of 3)"; the name is escaped.
  std::string text() const;
  /// "PLACE: WHAT" with exit code 1.
  tl::unexpected<Error> fail(std::string_view id, std::string_view what) const;
  /// "PLACE, byte AT: WHAT" with exit code 1.
  tl::unexpected<Error> failAt(std::string_view id, uint64_t at, std::string_view what) const;
};

/// Opens a regular file for reading; G01 otherwise. Exit code 1, or 3 where the machine is at fault.
Result<Descriptor> openRegularFile(const Place &place);

/// The text of an errno value.
std::string errorText(int number);

/// What a failed pread says: G01, exit code 3 where the machine is at fault.
tl::unexpected<Error> failedRead(const Place &place, uint64_t at, int number);

/// A reader with a buffer of a fixed size, so that no count in the file decides how much is allocated. Every byte that
/// was read goes into the model's fingerprint.
class Cursor {
public:
  static Result<Cursor> open(Place place, Sha256 &hash);

  const Place &place() const { return filePlace; }
  uint64_t position() const { return bufferStart + bufferAt; }
  uint64_t size() const { return fileBytes; }
  uint64_t remaining() const { return fileBytes - position(); }
  /// Seconds since 1970.
  int64_t modified() const { return modifiedSeconds; }

  /// What the file is cut after, in the words of an error: `the key "general.name"`.
  void setLastGood(std::string text) { lastGood = std::move(text); }

  /// Fills `to`; G17 if the file ends before, G18 beyond the limit of a header.
  Result<void> read(std::span<std::byte> to);
  /// A little-endian number.
  template <typename T> Result<T> number() {
    T value;
    STRATA_TRY(read(std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  /// Ends this file's part of the fingerprint: the padding up to `headerBytes`, which is less than limits::kAlignment
  /// away, as zeros where the file lacks it, and then the implied size.
  Result<void> finish(uint64_t headerBytes, uint64_t impliedBytes);

  tl::unexpected<Error> fail(std::string_view id, uint64_t at, std::string_view what) const {
    return filePlace.failAt(id, at, what);
  }

private:
  Cursor(Place place, Descriptor file, uint64_t size, int64_t modified, Sha256 &hash);
  Result<void> refill();
  void hashConsumed();

  Place filePlace;
  Descriptor descriptor;
  uint64_t fileBytes;
  int64_t modifiedSeconds;
  Sha256 *fingerprint;
  std::string lastGood = "its first 24 bytes";
  std::vector<std::byte> buffer;
  uint64_t bufferStart = 0; ///< Where the buffer begins in the file.
  size_t bufferAt = 0;      ///< The next byte to give out.
  size_t bufferHashed = 0;  ///< Bytes of the buffer that are in the fingerprint.
};

} // namespace strata::gguf
