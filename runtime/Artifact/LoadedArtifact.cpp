// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/LoadedArtifact.h"

#include "runtime/Artifact/Checks.h"
#include "runtime/Schema/Envelope.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

namespace strata {

static constexpr std::align_val_t kAlignment{64};

void LoadedArtifact::AlignedDelete::operator()(std::byte *bytes) const {
  ::operator delete[](bytes, kAlignment);
}

Result<LoadedArtifact::AlignedBytes> LoadedArtifact::allocate(size_t size) {
  auto *bytes = static_cast<std::byte *>(::operator new[](size, kAlignment, std::nothrow));
  if (!bytes)
    return fail(ExitCode::Machine, "", fmt::format("there is not enough memory for the artifact's {} bytes", size));
  return AlignedBytes(bytes);
}

namespace {

class FileDescriptor {
public:
  explicit FileDescriptor(int descriptor) : number(descriptor) {}
  ~FileDescriptor() {
    if (number >= 0)
      close(number);
  }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;
  int get() const { return number; }

private:
  int number;
};

} // namespace

/// Reads up to `bytes.size()` bytes; fewer where the file ends.
static Result<size_t> readWhole(int file, std::span<std::byte> bytes, const std::string &path) {
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = read(file, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail(ExitCode::Machine, "",
                  fmt::format("cannot read the artifact {}: {}", escapeName(path), std::strerror(errno)));
    if (got == 0)
      break;
    done += static_cast<size_t>(got);
  }
  return done;
}

/// The sizes that are no artifact's are refused before memory is asked for.
static Result<size_t> fileSize(int file, const std::string &path) {
  struct stat status = {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
    return artifact::refuse("A01", fmt::format("the artifact {} is not a regular file", escapeName(path)));
  constexpr uint64_t kMost = schema::kEnvelopeBytes + schema::kMaximumPayloadBytes;
  auto size = static_cast<uint64_t>(status.st_size);
  if (size >= kMost)
    return artifact::refuse("A01", fmt::format("the artifact {} has {} bytes, and an artifact is smaller than 1 GiB; "
                                               "is it the model?",
                                               escapeName(path), size));
  return static_cast<size_t>(size);
}

Result<LoadedArtifact> LoadedArtifact::load(const std::string &path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0)
    return artifact::refuse("A01",
                            fmt::format("cannot open the artifact {}: {}", escapeName(path), std::strerror(errno)));
  STRATA_ASSIGN(size_t size, fileSize(file.get(), path));
  STRATA_ASSIGN(AlignedBytes bytes, allocate(size));
  STRATA_ASSIGN(size_t done, readWhole(file.get(), {bytes.get(), size}, path));
  return check(std::move(bytes), done, path);
}

Result<LoadedArtifact> LoadedArtifact::load(std::span<const std::byte> file, const std::string &name) {
  STRATA_ASSIGN(AlignedBytes bytes, allocate(file.size()));
  std::copy(file.begin(), file.end(), bytes.get());
  return check(std::move(bytes), file.size(), name);
}

/// Everything that the flatbuffer says, in the order of Checks.h.
static Result<void> checkMeaning(const schema::Artifact &root) {
  for (auto *check : {artifact::checkPresence, artifact::checkNames, artifact::checkEnumerators, artifact::checkIndices,
                      artifact::checkKvLayout, artifact::checkSizes, artifact::checkPlacement, artifact::checkRuns,
                      artifact::checkSignatures, artifact::checkKernels, artifact::checkTiers, artifact::checkOrder,
                      artifact::checkLiveRanges})
    STRATA_TRY(check(root));
  return {};
}

Result<LoadedArtifact> LoadedArtifact::check(AlignedBytes bytes, size_t size, const std::string &name) {
  auto named = [&name](Error error, const char *remedy) {
    error.message = fmt::format("the artifact {} cannot be used: {}{}", escapeName(name), error.message, remedy);
    return tl::unexpected<Error>(std::move(error));
  };
  auto payload = artifact::checkEnvelope({bytes.get(), size});
  if (!payload)
    return named(payload.error(), "");
  auto root = artifact::checkStructure(*payload);
  if (!root)
    return named(root.error(), "; compile the model again");
  if (auto meaning = checkMeaning(**root); !meaning)
    return named(meaning.error(), "; compile the model again");
  LoadedArtifact loaded;
  loaded.bytes = std::move(bytes);
  loaded.artifact = *root;
  loaded.source = name;
  return loaded;
}

/// How many experts a set has; the loader has checked its ranges.
static uint64_t countExperts(const flatbuffers::Vector<const schema::ExpertRange *> *ranges) {
  uint64_t count = 0;
  for (uint32_t i = 0; ranges && i < ranges->size(); ++i)
    count += uint64_t(ranges->Get(i)->last()) - ranges->Get(i)->first() + 1;
  return count;
}

Result<void> requireRunnable(const schema::Artifact &artifact) {
  bool hasGpu = std::any_of(artifact.arenas()->begin(), artifact.arenas()->end(),
                            [](const schema::Arena *arena) { return arena->device() == schema::DeviceKind::gpu; });
  if (!artifact::hasSeveralTiers(artifact) || !hasGpu)
    return {};
  uint64_t gpu = 0, ram = 0, disk = 0;
  for (const schema::LayerExperts *line : *artifact.experts()) {
    gpu += countExperts(line->gpu()) * line->layers();
    ram += countExperts(line->ram()) * line->layers();
    disk += countExperts(line->disk()) * line->layers();
  }
  return fail(
      ExitCode::Machine, "A27",
      fmt::format("the plan has {} experts in GPU memory, {} in RAM and {} on the disk, and this version cannot "
                  "run a plan whose experts are on both sides of a GPU: compile the model with --machine=host, which "
                  "takes them from RAM and disk",
                  gpu, ram, disk));
}

} // namespace strata
