// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/ModelRun.h"

#include "runtime/Device/Host/HostDevice.h"
#include "tools/bench/host/Clock.h"

#include <fmt/format.h>

namespace strata::bench {

std::string Test::name() const {
  std::string name = prompt > 0 ? fmt::format("pp{}", prompt) : fmt::format("tg{}", generated);
  return depth > 0 ? fmt::format("{} @ d{}", name, depth) : name;
}

std::vector<Test> testsOf(const HostOptions &options) {
  std::vector<Test> tests;
  for (uint32_t depth : options.depths) {
    for (uint32_t prompt : options.prompts)
      tests.push_back({prompt, 0, depth});
    for (uint32_t generated : options.generated)
      tests.push_back({0, generated, depth});
  }
  return tests;
}

std::vector<Setting> settingsOf(const HostOptions &options) {
  std::vector<Setting> settings;
  for (uint32_t threads : options.threads)
    for (const std::string &activations : options.encodings)
      settings.push_back({threads, activations});
  return settings;
}

namespace {

std::optional<schema::ActivationEncoding> encodingOf(const std::string &name) {
  for (schema::ActivationEncoding encoding : schema::EnumValuesActivationEncoding())
    if (name == schema::EnumNameActivationEncoding(encoding))
      return encoding;
  return std::nullopt; // auto
}

Result<void> requireHostPlan(const schema::Artifact &artifact) {
  if (artifact.arenas()->Get(0)->device() == schema::DeviceKind::host)
    return {};
  return fail(ExitCode::Machine, "",
              fmt::format("the artifact was compiled for the GPU of {}, and whole models are measured on the host: "
                          "compile the model with --machine=host, or count the artifact's kernels with --kernels "
                          "--device=sim",
                          escapeName(artifact.machine()->name()->string_view())));
}

} // namespace

Result<std::unique_ptr<ModelRun>> ModelRun::open(const Options &options, const Setting &setting) {
  STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
  STRATA_TRY(requireHostPlan(artifact.root()));
  STRATA_ASSIGN(LocatedModel located,
                locateModel(artifact, options.weights.empty() ? std::nullopt : std::optional(options.weights)));
  SessionOptions sessionOptions;
  sessionOptions.activations = encodingOf(setting.activations);
  sessionOptions.kv = options.host.kv;
  sessionOptions.threads = setting.threads;
  HostDeviceOptions hostOptions;
  hostOptions.threads = setting.threads;
  hostOptions.workerScratchBytes = artifact.root().worker_scratch_bytes();
  hostOptions.isa = options.host.isa.value_or(bestIsa());
  STRATA_ASSIGN(std::unique_ptr<HostDevice> host, HostDevice::create(hostOptions));
  auto timed = std::make_unique<TimedDevice>(std::move(host));
  std::unique_ptr<ModelRun> run(new ModelRun());
  run->path = located.path;
  run->device = timed.get();
  STRATA_ASSIGN(run->made, Session::create(std::move(artifact), located, std::move(timed), sessionOptions));
  return run;
}

Result<void> ModelRun::check(const Test &test) const {
  uint64_t needed = uint64_t(test.depth) + test.tokens();
  if (needed <= made->context())
    return {};
  return fail(
      ExitCode::Input, "",
      fmt::format("{} needs {} positions and the artifact's context has {}: compile the model with --context={}",
                  test.name(), needed, made->context(), needed));
}

Result<Sample> ModelRun::run(const Test &test) {
  STRATA_TRY(check(test));
  STRATA_ASSIGN(SequenceId sequence, made->openSequence());
  tokens.resize(test.tokens());
  std::uniform_int_distribution<int32_t> anyToken(0, static_cast<int32_t>(made->vocabulary() - 1));
  for (int32_t &token : tokens)
    token = anyToken(random);
  Result<void> result = made->fillPositions(sequence, test.depth, 1);
  device->seconds = {};
  Sample sample;
  if (result)
    sample.seconds = secondsOf([&] { result = work(test, sequence); });
  made->closeSequence(sequence);
  STRATA_TRY(result);
  sample.operations = device->seconds;
  return sample;
}

Result<void> ModelRun::work(const Test &test, SequenceId sequence) {
  if (test.prompt == 0) {
    for (int32_t token : tokens) {
      DecodeRow row = {sequence, token};
      STRATA_TRY(made->decode(std::span(&row, 1)));
    }
    return {};
  }
  STRATA_ASSIGN(PromptStep step, made->startPrompt(sequence, tokens, WantedRows::last, nullptr));
  for (bool over = false; !over;) {
    STRATA_ASSIGN(over, step.advance());
  }
  return {};
}

} // namespace strata::bench
