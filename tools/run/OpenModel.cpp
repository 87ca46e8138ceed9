// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/OpenModel.h"

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Device/Sim/SimDevice.h"
#include "runtime/Text/GgufVocabulary.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/Gguf.h"
#include "tools/Progress.h"
#include "tools/run/CompileSources.h"
#include "tools/run/Recording.h"

#include <filesystem>
#include <fmt/format.h>

namespace strata::run {

namespace {

Result<LocatedModel> locate(const LoadedArtifact &artifact, const Options &options) {
  return locateModel(artifact, options.weights.empty() ? std::nullopt : std::optional(options.weights));
}

/// The settings of a run are visible where they are not those of the plan, and so is what slows it down here.
void noteSettings(const Session &session) {
  for (const std::string &note : session.deviceNotes())
    fmt::print(stderr, "strata-run: note: {}\n", note);
  if (std::string reads = session.readsDescription(); !reads.empty())
    fmt::print(stderr, "strata-run: note: experts are read from the disk: {}\n", reads);
  if (session.differsFromPlan())
    fmt::print(stderr,
               "strata-run: note: running with activations {} when decoding and {} in prompts, KV cache {}; the "
               "artifact's prediction is for another setting\n",
               schema::EnumNameActivationEncoding(session.activations(schema::Phase::decode)),
               schema::EnumNameActivationEncoding(session.activations(schema::Phase::prompt)),
               schema::EnumNameKvEncoding(session.kv()));
}

/// With --jit on the PTX that the artifact's source compiles to here.
Result<std::unique_ptr<Device>> simulator(const schema::Artifact &artifact, const Options &options) {
  SimDeviceOptions simulated;
  simulated.seed = options.simulatorSeed;
  if (options.jit) {
    STRATA_ASSIGN(simulated.ptx, compileSources(artifact, options.nvrtc));
  }
  return SimDevice::create(artifact, simulated);
}

/// The simulator if it is asked for; nothing for the host, which a session makes itself. Exit code 3 if the artifact
/// was not compiled for what is asked for.
Result<std::unique_ptr<Device>> chooseDevice(const schema::Artifact &artifact, const Options &options) {
  bool planned = artifact.arenas()->Get(0)->device() == schema::DeviceKind::gpu;
  if (options.device == "sim")
    return simulator(artifact, options);
  if (planned)
    return fail(
        ExitCode::Machine, "",
        fmt::format("the artifact was compiled for the GPU of {}, and {}; simulate it with --device=sim, or compile "
                    "the model with --machine=host",
                    escapeName(artifact.machine()->name()->string_view()),
                    options.device.empty() ? "this version has no driver for one" : "not for the host"));
  return std::unique_ptr<Device>();
}

/// The model's checksums: at --sums, or beside the model, or beside the artifact. Nothing if there are none, which is
/// said, or refused with --require-sums.
Result<std::shared_ptr<const Checksums>> findChecksums(const Options &options, const LocatedModel &located) {
  namespace fs = std::filesystem;
  std::string beside = sumsPathBeside(located.path);
  fs::path besideArtifact = fs::path(options.model).parent_path() / fs::path(beside).filename();
  std::vector<std::string> paths = {beside, besideArtifact.string()};
  if (!options.sums.empty())
    paths = {options.sums};
  for (const std::string &path : paths) {
    if (std::error_code ignored; !fs::exists(path, ignored) && options.sums.empty())
      continue;
    STRATA_ASSIGN(Checksums checksums, Checksums::load(path, located.gguf));
    return std::make_shared<const Checksums>(std::move(checksums));
  }
  if (options.requireSums)
    return fail(ExitCode::Input, "S05",
                fmt::format("there are no checksums of the weights (no {}): run strata-verify {}", escapeName(beside),
                            escapeName(located.path)));
  fmt::print(stderr, "strata-run: note: weights unverified: run strata-verify\n");
  return std::shared_ptr<const Checksums>();
}

} // namespace

Result<text::Tokenizer> tokenizerOf(const gguf::Model &model) {
  STRATA_ASSIGN(text::Vocabulary vocabulary, text::readVocabulary(model));
  return text::Tokenizer(std::move(vocabulary));
}

Result<text::Tokenizer> openTokenizer(const Options &options) {
  if (gguf::isGguf(options.model)) {
    STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = true}));
    return tokenizerOf(model);
  }
  STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
  STRATA_ASSIGN(LocatedModel located, locate(artifact, options));
  return tokenizerOf(located.gguf);
}

Result<OpenedModel> openModel(const Options &options) {
  STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
  STRATA_TRY(requireRunnable(artifact.root()));
  STRATA_ASSIGN(LocatedModel located, locate(artifact, options));
  STRATA_ASSIGN(std::unique_ptr<RoutingRecorder> recorder, makeRecorder(artifact.root(), options));
  SessionOptions sessionOptions = options.session;
  sessionOptions.recorder = recorder.get();
  STRATA_ASSIGN(sessionOptions.checksums, findChecksums(options, located));
  ProgressLine line("reading weights");
  sessionOptions.progress = [&](uint64_t done, uint64_t total) { line.showBytes(done, total); };
  STRATA_ASSIGN(std::unique_ptr<Device> device, chooseDevice(artifact.root(), options));
  auto create = [&] {
    return device ? Session::create(std::move(artifact), located, std::move(device), sessionOptions)
                  : Session::create(std::move(artifact), located, sessionOptions);
  };
  STRATA_ASSIGN(std::unique_ptr<Session> session, create());
  noteSettings(*session);
  return OpenedModel{std::move(located), std::move(recorder), std::move(session)};
}

} // namespace strata::run
