// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ArtifactKernels.h"

#include "runtime/Artifact/LocateModel.h"
#include "runtime/Device/Sim/SimDevice.h"
#include "runtime/Exec/Session.h"
#include "tools/bench/KernelTable.h"

#include <iostream>
#include <map>

namespace strata::bench {

namespace {

enum class Part : uint8_t { load, prompt, decode };
constexpr const char *kPartNames[] = {"load", "prompt", "decode"};

/// Launches by the part of the run that they belong to, and kernel.
struct Collector {
  Part part = Part::load;
  std::map<std::pair<Part, uint32_t>, KernelTotal> totals;

  void add(const SimLaunch &launch, const schema::Kernel &kernel) {
    totals[{part, launch.kernel}].add({launch.grid, launch.threads, kernel.registers(),
                                       uint64_t(kernel.shared_bytes()) + kernel.dynamic_shared_bytes()},
                                      launch.counts);
  }
};

/// Any tokens will do: the same ones for every run.
std::vector<int32_t> promptOf(uint32_t tokens, uint32_t vocabulary) {
  std::vector<int32_t> prompt(tokens);
  for (uint64_t i = 0; i < tokens; ++i)
    prompt[i] = static_cast<int32_t>(i * 7919 % vocabulary);
  return prompt;
}

Result<void> runBoth(Session &session, uint32_t tokens, Collector &collector) {
  STRATA_ASSIGN(SequenceId sequence, session.openSequence());
  collector.part = Part::prompt;
  std::vector<int32_t> prompt = promptOf(tokens, session.vocabulary());
  STRATA_ASSIGN(PromptStep step, session.startPrompt(sequence, prompt, WantedRows::last, nullptr));
  for (bool over = false; !over;) {
    STRATA_ASSIGN(over, step.advance());
  }
  collector.part = Part::decode;
  DecodeRow row = {sequence, prompt[0]};
  return session.decode(std::span(&row, 1));
}

} // namespace

Result<ExitCode> benchArtifactKernels(const Options &options) {
  STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
  STRATA_ASSIGN(LocatedModel located,
                locateModel(artifact, options.weights.empty() ? std::nullopt : std::optional(options.weights)));
  Collector collector;
  SimDeviceOptions deviceOptions;
  deviceOptions.checks.count = true;
  deviceOptions.mostMacs = options.mostMacs;
  if (options.mostMacs > 0) // What a sample leaves out is read by the kernels after it.
    deviceOptions.checks.unwritten = false;
  const schema::Artifact &root = artifact.root(); // It stays where it is when the artifact is moved.
  deviceOptions.observer = [&](const SimLaunch &launch) { collector.add(launch, *root.kernels()->Get(launch.kernel)); };
  STRATA_ASSIGN(std::unique_ptr<Device> device, SimDevice::create(root, deviceOptions));
  STRATA_ASSIGN(std::unique_ptr<Session> session,
                Session::create(std::move(artifact), located, std::move(device), SessionOptions()));
  STRATA_TRY(runBoth(*session, options.tokens, collector));

  KernelTable table({buildCommit(), escapeName(root.machine()->name()->string_view()),
                     escapeName(root.model()->files()->Get(0)->name()->string_view()), "sim"},
                    Nvrtc::open({.option = options.nvrtc}));
  for (const auto &[key, total] : collector.totals)
    table.add(kPartNames[static_cast<size_t>(key.first)],
              escapeName(root.kernels()->Get(key.second)->name()->string_view()), total);
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
