// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Splits.h"

#include "runtime/Base/Checked.h"

#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <sys/stat.h>

namespace strata::gguf {

static constexpr std::string_view kNumberKey = "split.no";
static constexpr std::string_view kCountKey = "split.count";
static constexpr std::string_view kTensorsKey = "split.tensors.count";
static constexpr size_t kDigits = 5;

std::string SplitName::path(uint32_t fileNumber) const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, fileNumber, count);
}

/// Takes "MARKER" and the five digits before it from the end of `text`.
static std::optional<uint32_t> takeNumber(std::string_view &text, std::string_view marker) {
  if (!text.ends_with(marker) || text.size() < marker.size() + kDigits)
    return std::nullopt;
  text.remove_suffix(marker.size());
  std::string_view digits = text.substr(text.size() - kDigits);
  uint32_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + kDigits, number);
  if (error != std::errc() || end != digits.data() + kDigits)
    return std::nullopt;
  text.remove_suffix(kDigits);
  return number;
}

std::optional<SplitName> parseSplitName(std::string_view path) {
  std::string_view rest = path;
  std::optional<uint32_t> count = takeNumber(rest, ".gguf");
  std::optional<uint32_t> number = count ? takeNumber(rest, "-of-") : std::nullopt;
  if (!number || !rest.ends_with("-") || *number == 0 || *number > *count)
    return std::nullopt;
  rest.remove_suffix(1);
  return SplitName{std::string(rest), *number, *count};
}

Result<std::vector<Place>> placesOf(const std::string &path) {
  std::optional<SplitName> name = parseSplitName(path);
  if (!name)
    return std::vector<Place>{{path, 1, 1}};
  if (name->number != 1)
    return Place{path, name->number, name->count}.fail(
        "G38", fmt::format("is not the first file of its set; give {}", escapeName(baseName(name->path(1)))));
  std::vector<Place> places;
  for (uint32_t number = 1; number <= name->count; ++number)
    places.push_back({number == 1 ? path : name->path(number), number, name->count});
  return places;
}

Result<void> checkExists(const Place &place) {
  struct stat status = {};
  if (stat(place.path.c_str(), &status) != 0 && errno == ENOENT)
    return place.fail("G40", "is missing; all files of a split set must be in one folder: download it");
  return {};
}

/// A number that a split file states about itself.
static Result<uint64_t> splitNumber(const Header &header, std::string_view key) {
  auto number = header.metadata.getUnsigned(key);
  if (!number)
    return header.place.fail("G39", fmt::format("is named as part of a split set, but its key \"{}\" is missing or no "
                                                "number; split the model again or give it its own name back",
                                                key));
  return *number;
}

static Result<void> checkSingle(const Header &header) {
  if (!header.metadata.find(kCountKey))
    return {};
  STRATA_ASSIGN(uint64_t count, splitNumber(header, kCountKey));
  if (count <= 1)
    return {};
  STRATA_ASSIGN(uint64_t number, splitNumber(header, kNumberKey));
  if (number != 0)
    return header.place.fail("G38", fmt::format("is file {} of {} of a split set by its keys; give the first file, "
                                                "named NAME-00001-of-{:05}.gguf",
                                                (Checked(number) + 1).value(), count, count));
  return header.place.fail("G39", fmt::format("is the first of {} files by its keys, but its name does not say so; "
                                              "name it NAME-00001-of-{:05}.gguf and put the others beside it",
                                              count, count));
}

Result<void> checkPart(const Header &header) {
  // A whole file may be named as the only part of a set.
  if (header.place.count == 1)
    return checkSingle(header);
  STRATA_ASSIGN(uint64_t number, splitNumber(header, kNumberKey));
  STRATA_ASSIGN(uint64_t count, splitNumber(header, kCountKey));
  STRATA_TRY(splitNumber(header, kTensorsKey));
  if (number != header.place.number - 1)
    return header.place.fail("G39",
                             fmt::format("its key \"{}\" is {}, which makes it file {}; give the files their own "
                                         "names back",
                                         kNumberKey, number, (Checked(number) + 1).value()));
  if (count != header.place.count)
    return header.place.fail("G39", fmt::format("its key \"{}\" is {}; give the files their own names back, or "
                                                "download the whole set again",
                                                kCountKey, count));
  return {};
}

/// G42's hint: files of one model are written together.
static std::string timeApart(const Header &first, const Header &other) {
  constexpr int64_t kDay = 24 * 60 * 60;
  int64_t days = std::abs(first.modified - other.modified) / kDay;
  return days == 0 ? "" : fmt::format(" (the files were written {} days apart)", days);
}

/// G42: what both files state about the model must be the same.
static Result<void> checkSameModel(const Header &first, const Header &other) {
  for (const auto &[key, value] : other.metadata.keyValues()) {
    const Value *expected = first.metadata.find(key);
    if (key == kNumberKey || key == "general.alignment" || !expected || *expected == value)
      continue;
    return other.place.fail("G42", fmt::format("its key \"{}\" differs from the first file's: they are of different "
                                               "models{}; download the whole set again",
                                               escapeName(key), timeApart(first, other)));
  }
  return {};
}

Result<void> checkSet(const std::vector<Header> &headers) {
  const Header &first = headers.front();
  if (headers.size() == 1)
    return {};
  Checked tensors = 0;
  for (const Header &header : headers) {
    tensors += header.tensors.size();
    // A file without the key has GGUF's default, and its own offsets by it.
    if (header.alignmentStated && header.alignment != first.alignment)
      return header.place.fail("G23", fmt::format("its alignment is {} and the first file's is {}; split the model "
                                                  "again",
                                                  header.alignment, first.alignment));
    STRATA_TRY(checkSameModel(first, header));
  }
  STRATA_ASSIGN(uint64_t announced, splitNumber(first, kTensorsKey));
  if (tensors.value() != announced)
    return first.place.fail("G41", fmt::format("announces {} tensors and the {} files have {}; download the whole set "
                                               "again",
                                               announced, headers.size(), tensors.value()));
  return {};
}

} // namespace strata::gguf
