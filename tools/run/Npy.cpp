// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Npy.h"

#include "runtime/Base/Checked.h"

#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>

namespace strata::run {

static_assert(std::endian::native == std::endian::little, "numbers are taken from the file as they stand in it");

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

tl::unexpected<Error> refuse(const std::string &path, std::string_view problem) {
  return fail(ExitCode::Input, "",
              fmt::format("{}: {}; golden logits are a matrix of little-endian f32, as numpy.save writes it",
                          escapeName(path), problem));
}

/// Where the header's dictionary begins and ends; nothing if the file is too short to have one.
struct HeaderRange {
  std::size_t begin;
  std::size_t end;
};

std::optional<HeaderRange> headerRange(const std::string &file) {
  // Magic, two version bytes, then the header's length in 2 bytes (version 1) or 4 (versions 2 and 3).
  if (file.size() < kMagic.size() + 4 || file.compare(0, kMagic.size(), kMagic) != 0)
    return std::nullopt;
  unsigned version = static_cast<unsigned char>(file[kMagic.size()]);
  if (version < 1 || version > 3)
    return std::nullopt;
  std::size_t lengthBytes = version == 1 ? 2 : 4;
  std::size_t begin = kMagic.size() + 2 + lengthBytes;
  if (file.size() < begin)
    return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, file.data() + kMagic.size() + 2, lengthBytes);
  if (length > file.size() - begin)
    return std::nullopt;
  return HeaderRange{begin, begin + length};
}

} // namespace

Result<Matrix> readNpy(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return fail(ExitCode::Input, "", fmt::format("{}: cannot be read: {}", escapeName(path), std::strerror(errno)));
  std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};

  std::optional<HeaderRange> range = headerRange(file);
  if (!range)
    return refuse(path, "is not an .npy file");
  std::string header = file.substr(range->begin, range->end - range->begin);
  if (!std::regex_search(header, std::regex("'descr': *'<f4'")))
    return refuse(path, "its numbers are of another type");
  if (!std::regex_search(header, std::regex("'fortran_order': *False")))
    return refuse(path, "its order is Fortran's");
  std::smatch shape;
  if (!std::regex_search(header, shape, std::regex("'shape': *\\(([0-9]{1,18}), *([0-9]{1,18})\\)")))
    return refuse(path, "it has not two dimensions");

  Matrix matrix;
  matrix.rows = std::stoull(shape[1].str());
  matrix.columns = std::stoull(shape[2].str());
  Checked count = Checked(matrix.rows) * matrix.columns;
  Checked end = count * sizeof(float) + range->end;
  if (!end.valid() || end.value() != file.size())
    return refuse(path, fmt::format("{} bytes do not hold {} x {} numbers", file.size(), matrix.rows, matrix.columns));
  matrix.numbers.resize(count.value());
  if (!matrix.numbers.empty())
    std::memcpy(matrix.numbers.data(), file.data() + range->end, count.value() * sizeof(float));
  return matrix;
}

} // namespace strata::run
