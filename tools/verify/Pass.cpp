// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/verify/Pass.h"

#include "runtime/Weights/ScaleScan.h"

#include <algorithm>
#include <array>
#include <sys/stat.h>
#include <thread>

namespace strata::verify {

/// A thread of its own for SHA-256 takes longer to begin than fewer bytes take to hash.
static constexpr size_t kWorthAThread = 256 << 10;
/// Findings that are kept; all are counted.
static constexpr size_t kKeptFindings = 20;

std::vector<Stretch> stretchesOf(const gguf::Model &model, const WeightFiles &files) {
  std::vector<const gguf::TensorInfo *> tensors;
  for (const gguf::TensorInfo &tensor : model.tensors())
    tensors.push_back(&tensor);
  std::sort(tensors.begin(), tensors.end(),
            [](const auto *a, const auto *b) { return std::pair(a->file, a->offset) < std::pair(b->file, b->offset); });
  std::vector<Stretch> stretches;
  auto tensor = tensors.begin();
  for (uint32_t file = 0; file < files.count(); ++file) {
    uint64_t at = 0;
    auto gapUntil = [&](uint64_t end) {
      if (end > at)
        stretches.push_back({file, at, end - at, nullptr});
      at = std::max(at, end);
    };
    for (; tensor != tensors.end() && (*tensor)->file == file; ++tensor) {
      gapUntil((*tensor)->offset);
      stretches.push_back({file, at, (*tensor)->bytes, *tensor});
      at += (*tensor)->bytes;
    }
    gapUntil(files.bytes(file));
  }
  return stretches;
}

static int64_t modifiedAt(int descriptor) {
  struct stat status = {};
  fstat(descriptor, &status);
  return static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

Pass::Pass(const gguf::Model &of, const WeightFiles &from, Reads &through, uint32_t readDepth)
    : model(of), files(from), reads(through), depth(readDepth), stretches(stretchesOf(of, from)) {
  result.fingerprint.assign(model.fingerprint().begin(), model.fingerprint().end());
  for (uint32_t file = 0; file < files.count(); ++file) {
    auto sum = std::make_unique<schema::FileSumT>();
    sum->name = gguf::baseName(model.files()[file].path);
    sum->bytes = files.bytes(file);
    result.files.push_back(std::move(sum));
  }
  for (const Stretch &stretch : stretches)
    total += stretch.bytes;
}

schema::SumsT Pass::save() const {
  schema::SumsT saved = result;
  saved.progress = std::make_unique<schema::ProgressT>();
  for (uint32_t file = 0; file < files.count(); ++file)
    saved.progress->modified.push_back(modifiedAt(files.descriptor(file)));
  const Stretch &at = stretches[next];
  saved.progress->file = at.file;
  saved.progress->offset = at.offset;
  saved.progress->sha256_state = stretchState;
  return saved;
}

Result<bool> Pass::resume(const schema::SumsT &saved) {
  if (!saved.progress || saved.progress->modified.size() != files.count() || saved.files.size() != files.count() ||
      saved.progress->sha256_state.size() != 8)
    return false;
  for (uint32_t file = 0; file < files.count(); ++file)
    if (saved.progress->modified[file] != modifiedAt(files.descriptor(file)) ||
        saved.files[file]->bytes != files.bytes(file))
      return false;
  auto found = std::find_if(stretches.begin(), stretches.end(), [&](const Stretch &stretch) {
    return stretch.file == saved.progress->file && stretch.offset == saved.progress->offset;
  });
  auto isTensor = [](const Stretch &stretch) { return stretch.tensor != nullptr; };
  if (found == stretches.end() ||
      static_cast<size_t>(std::count_if(stretches.begin(), found, isTensor)) != saved.tensors.size())
    return false;
  // The hash is taken up at a whole block, and the bytes from there on are read again.
  uint64_t blockStart = found->offset / ResumableSha256::kBlockBytes * ResumableSha256::kBlockBytes;
  sha.resume(std::span<const uint32_t, 8>(saved.progress->sha256_state), blockStart);
  std::array<std::byte, ResumableSha256::kBlockBytes> rest;
  std::span<std::byte> again = std::span(rest).first(found->offset - blockStart);
  STRATA_TRY(files.read(found->file, blockStart, again));
  sha.update(again);
  result = saved;
  result.progress = nullptr;
  next = static_cast<size_t>(found - stretches.begin());
  for (auto stretch = stretches.begin(); stretch != found; ++stretch)
    resumed += stretch->bytes;
  done = resumed;
  return true;
}

Result<bool> Pass::run(const std::function<bool()> &stop, const std::function<void(uint64_t, uint64_t)> &progress) {
  report = progress;
  if (next == stretches.size())
    return true;
  STRATA_ASSIGN(
      std::unique_ptr<OrderedReads> ahead,
      OrderedReads::create(files, reads, depth, rangesFrom(files, stretches[next].file, stretches[next].offset)));
  for (; next < stretches.size(); ++next) {
    const Stretch &stretch = stretches[next];
    stretchState = sha.state(); // What save() writes: an interrupted stretch is read again.
    STRATA_ASSIGN(bool whole, runStretch(stretch, *ahead, stop));
    if (!whole)
      return false;
    endStretch(stretch);
  }
  return true;
}

/// SHA-256 and the checks run side by side, as they are slower than many disks.
Result<bool> Pass::runStretch(const Stretch &stretch, OrderedReads &ahead, const std::function<bool()> &stop) {
  uint64_t kept = result.non_finite.size(), counted = result.non_finite_count;
  ScaleScan scan(stretch.tensor ? stretch.tensor->encoding : Encoding::F32,
                 [&](uint64_t block, uint64_t offset) { noteNonFinite(stretch, block, offset); });
  pieceBytes = stretch.tensor ? checksumPieceBytes(*stretch.tensor) : 0;
  pieceDone = 0;
  piece.reset();
  hashes.clear();
  for (uint64_t at = 0; at < stretch.bytes;) {
    if (stop()) {
      result.non_finite.resize(kept);
      result.non_finite_count = counted;
      return false;
    }
    STRATA_ASSIGN(std::span<const std::byte> part, ahead.next(stretch.bytes - at));
    {
      std::jthread hashing;
      if (stretch.tensor && part.size() >= kWorthAThread)
        hashing = std::jthread([&] { sha.update(part); });
      else
        sha.update(part);
      if (stretch.tensor) {
        hashPart(stretch, part);
        scan.feed(part);
      }
    }
    at += part.size();
    done += part.size();
    report(done, total);
  }
  return true;
}

void Pass::hashPart(const Stretch &stretch, std::span<const std::byte> part) {
  while (!part.empty()) {
    std::span<const std::byte> now = part.first(std::min<uint64_t>(part.size(), pieceBytes - pieceDone));
    piece.update(now);
    pieceDone += now.size();
    part = part.subspan(now.size());
    bool last = part.empty() && hashes.size() + 1 == checksumPieces(*stretch.tensor) &&
                hashes.size() * pieceBytes + pieceDone == stretch.bytes;
    if (pieceDone < pieceBytes && !last)
      continue;
    hashes.push_back(piece.finish());
    piece.reset();
    pieceDone = 0;
  }
}

void Pass::endStretch(const Stretch &stretch) {
  if (stretch.tensor) {
    auto sums = std::make_unique<schema::TensorSumsT>();
    sums->name = stretch.tensor->name;
    sums->file = stretch.file;
    sums->offset = stretch.offset;
    sums->bytes = stretch.bytes;
    sums->piece_bytes = pieceBytes;
    sums->hashes = hashes;
    result.tensors.push_back(std::move(sums));
  }
  if (stretch.offset + stretch.bytes < files.bytes(stretch.file))
    return;
  Digest digest = sha.finish();
  result.files[stretch.file]->sha256.assign(digest.begin(), digest.end());
  sha = ResumableSha256();
}

void Pass::noteNonFinite(const Stretch &stretch, uint64_t block, uint64_t offset) {
  if (++result.non_finite_count > kKeptFindings)
    return;
  auto finding = std::make_unique<schema::NonFiniteT>();
  finding->tensor = stretch.tensor->name;
  finding->block = block;
  finding->file = stretch.file;
  finding->offset = stretch.offset + offset;
  result.non_finite.push_back(std::move(finding));
}

} // namespace strata::verify
