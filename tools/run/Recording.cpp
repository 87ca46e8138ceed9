// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Recording.h"

#include "compiler/Support/AtomicFile.h"
#include "runtime/Routing/RoutingFile.h"
#include "tools/plan/Recompile.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace strata::run {

namespace {

RoutingShape shapeOf(const schema::Model &model) {
  RoutingShape shape;
  const auto &bytes = *model.fingerprint()->bytes();
  std::copy(bytes.begin(), bytes.end(), shape.fingerprint.begin());
  shape.firstLayer = std::min(model.dense_layers(), model.layers());
  shape.layers = model.layers() - shape.firstLayer;
  shape.experts = model.experts();
  shape.expertsUsed = model.experts_used();
  return shape;
}

/// An exclusive lock on a file, held until its end.
class FileLock {
public:
  explicit FileLock(const std::string &path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    int result = -1;
    if (descriptor >= 0)
      do
        result = ::flock(descriptor, LOCK_EX);
      while (result != 0 && errno == EINTR);
    locked = result == 0;
  }
  FileLock(const FileLock &) = delete;
  FileLock &operator=(const FileLock &) = delete;
  ~FileLock() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
  bool held() const { return locked; }

private:
  int descriptor;
  bool locked = false;
};

} // namespace

Result<std::unique_ptr<RoutingRecorder>> makeRecorder(const schema::Artifact &artifact, const Options &options) {
  RoutingShape shape = shapeOf(*artifact.model());
  bool routed = shape.layers != 0 && shape.experts != 0 && shape.expertsUsed != 0;
  if (!routed && !options.trace.empty())
    return fail(ExitCode::CommandLine, "",
                "--trace is given and the model has no routed experts; run it without --trace");
  if (!routed || (options.trace.empty() && !options.countsUsage))
    return std::unique_ptr<RoutingRecorder>();
  return std::make_unique<RoutingRecorder>(shape, !options.trace.empty());
}

Result<UsageCounts> addToUsageFile(const std::string &path, const std::string &artifact, const UsageCounts &usage) {
  FileLock lock(artifact);
  if (!lock.held())
    return fail(ExitCode::Machine, "",
                fmt::format("cannot lock \"{}\": {}", escapeName(artifact), std::strerror(errno)));
  UsageCounts sum = usage;
  if (std::filesystem::exists(path)) {
    STRATA_ASSIGN(std::vector<std::byte> bytes, readRoutingBytes(path));
    STRATA_ASSIGN(UsageCounts earlier, decodeUsage(bytes, path));
    STRATA_TRY(checkSameModel(earlier.shape, usage.shape, path));
    sum.add(earlier);
  }
  STRATA_TRY(writeFileAtomically(path, encodeUsage(sum), "make the folder writable"));
  return sum;
}

Result<void> saveRecording(const RoutingRecorder &recorder, const schema::Artifact &artifact, const gguf::Model &model,
                           const Options &options) {
  if (!options.trace.empty()) {
    STRATA_TRY(writeFileAtomically(options.trace, encodeTrace(recorder.trace()), "give another place with --trace"));
  }
  if (!options.countsUsage || recorder.usage().tokens == 0)
    return {};
  std::string path = options.model + ".usage";
  auto sum = addToUsageFile(path, options.model, recorder.usage());
  if (!sum) {
    fmt::print(stderr, "strata-run: note: the use of experts is not counted: {}; or run with --no-usage\n",
               sum.error().message);
    return {};
  }
  auto advice = planning::adviseRecompiling(artifact, model, *sum, path);
  if (!advice)
    fmt::print(stderr, "strata-run: note: what compiling again would gain is not known: {}\n", advice.error().message);
  else if (!advice->empty())
    fmt::print(stderr, "strata-run: note: {}\n", *advice);
  return {};
}

} // namespace strata::run
