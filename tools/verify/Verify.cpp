// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/verify/Verify.h"

#include "compiler/Support/AtomicFile.h"
#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Artifact/LocateModel.h"
#include "runtime/Base/Size.h"
#include "runtime/Weights/Gguf.h"
#include "tools/CommandLine.h"
#include "tools/Progress.h"
#include "tools/run/Interrupt.h"
#include "tools/verify/Pass.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace strata::verify {

namespace fs = std::filesystem;

namespace {

constexpr size_t kShownDifferences = 20;

Result<LocatedModel> openModel(const Options &options) {
  if (!gguf::isGguf(options.model) && fs::is_regular_file(options.model)) {
    STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
    return locateModel(artifact, options.weights.empty() ? std::nullopt : std::optional(options.weights));
  }
  if (!options.weights.empty())
    return fail(ExitCode::CommandLine, "", "--weights says where the model of an artifact is; MODEL is a GGUF itself");
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model));
  return LocatedModel{std::move(model), options.model};
}

/// What an interrupted pass left, kept beside the sums file.
class SavedPass {
public:
  explicit SavedPass(const std::string &sumsPath) : path(sumsPath + ".partial") {}

  Result<void> resume(Pass &pass, const gguf::Model &model) {
    std::error_code ignored;
    if (!fs::exists(path, ignored))
      return {};
    auto saved = readSums(path, schema::kProgressIdentifier, model);
    Result<bool> resumed = saved ? pass.resume(*saved) : Result<bool>(false);
    if (!resumed)
      return tl::unexpected<Error>(resumed.error());
    if (*resumed)
      fmt::print(stderr, "strata-verify: going on after {}, where the last run was interrupted\n",
                 formatBytes(pass.resumedBytes()));
    else
      fmt::print(stderr, "strata-verify: starting over: {}\n",
                 saved ? "the model's files have changed since the last run was interrupted"
                       : "what the last run left (" + escapeName(path) + ") is damaged or of another model");
    return {};
  }
  Result<void> save(const Pass &pass) {
    return writeFileAtomically(path, packSums(pass.save(), schema::kProgressIdentifier));
  }
  void remove() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }

private:
  std::string path;
};

/// One line for every piece that differs from `expected`, up to a number of them; how many there are.
uint64_t compare(const Checksums &expected, const schema::SumsT &found, const WeightFiles &files) {
  uint64_t differences = 0;
  for (const auto &tensor : found.tensors) {
    const TensorChecksums &sums = *expected.find(tensor->name);
    for (uint64_t piece = 0; piece < tensor->hashes.size(); ++piece) {
      if (tensor->hashes[piece] == sums.hashes[piece] || ++differences > kShownDifferences)
        continue;
      reportError("strata-verify",
                  damagedPiece(files.place(tensor->file), tensor->offset + piece * tensor->piece_bytes, tensor->name,
                               sums.slabs, piece, sums.hashes[piece], tensor->hashes[piece])
                      .value());
    }
  }
  return differences;
}

void showFiles(const schema::SumsT &sums) {
  for (const auto &file : sums.files) {
    Digest digest;
    std::copy(file->sha256.begin(), file->sha256.end(), digest.begin());
    fmt::print("{}  {}\n", toHex(digest), escapeName(file->name));
  }
}

void showNonFinite(const schema::SumsT &sums, const WeightFiles &files) {
  for (const auto &finding : sums.non_finite)
    reportError("strata-verify",
                files.place(finding->file)
                    .failAt("G49", finding->offset,
                            fmt::format("tensor \"{}\", block {}: a scale is infinite or not a number; "
                                        "get or convert the file again",
                                        escapeName(finding->tensor), finding->block))
                    .value());
  if (sums.non_finite_count > sums.non_finite.size())
    fmt::print(stderr, "strata-verify: {} numbers that are not finite in all\n", sums.non_finite_count);
}

/// Compares or writes; the exit code that what was found deserves.
Result<ExitCode> conclude(const Pass &pass, const std::optional<Checksums> &expected, const std::string &sumsPath,
                          const WeightFiles &files) {
  const schema::SumsT &sums = pass.sums();
  showFiles(sums);
  showNonFinite(sums, files);
  uint64_t pieces = 0;
  for (const auto &tensor : sums.tensors)
    pieces += tensor->hashes.size();
  uint64_t differences = expected ? compare(*expected, sums, files) : 0;
  if (!expected)
    STRATA_TRY(writeFileAtomically(sumsPath, packSums(sums, schema::kSumsIdentifier)));
  if (differences != 0)
    fmt::print("{} of {} checksums differ from {}\n", differences, pieces, escapeName(sumsPath));
  else
    fmt::print("{} checksums {} {}\n", pieces, expected ? "agree with" : "written to", escapeName(sumsPath));
  return differences != 0 || sums.non_finite_count != 0 ? ExitCode::Input : ExitCode::Done;
}

} // namespace

Result<ExitCode> verifyModel(const Options &options) {
  STRATA_ASSIGN(LocatedModel located, openModel(options));
  STRATA_ASSIGN(WeightFiles files, WeightFiles::open(located.gguf.files()));
  std::string sumsPath = options.sums.empty() ? sumsPathBeside(located.path) : options.sums;
  std::optional<Checksums> expected;
  if (std::error_code ignored; !options.rewrite && fs::exists(sumsPath, ignored)) {
    STRATA_ASSIGN(expected, Checksums::load(sumsPath, located.gguf));
  }
  ReadOptions reading;
  reading.backend = options.backend;
  reading.depth = options.readDepth != 0 ? options.readDepth : kReadDepth;
  reading.capacity = size_t(reading.depth) + 1;
  STRATA_ASSIGN(std::unique_ptr<Reads> reads, openReads(files, reading));
  fmt::print(stderr, "strata-verify: reading with {}\n", reads->description());
  Pass pass(located.gguf, files, *reads, reading.depth);
  SavedPass saved(sumsPath);
  STRATA_TRY(saved.resume(pass, located.gguf));
  STRATA_TRY(run::Interrupt::install());
  ProgressLine progress("verifying", static_cast<double>(pass.resumedBytes()));
  STRATA_ASSIGN(bool whole, pass.run(run::Interrupt::raised,
                                     [&](uint64_t done, uint64_t total) { progress.showBytes(done, total); }));
  if (!whole) {
    STRATA_TRY(saved.save(pass));
    fmt::print(stderr, "\nstrata-verify: interrupted; the next run goes on here\n");
    return ExitCode::Interrupted;
  }
  STRATA_ASSIGN(ExitCode code, conclude(pass, expected, sumsPath, files));
  saved.remove();
  return code;
}

} // namespace strata::verify
