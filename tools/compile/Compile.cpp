// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Compile.h"

#include "compiler/Artifact/ArtifactWriter.h"
#include "compiler/Codegen/CompileKernels.h"
#include "compiler/Codegen/Cubin.h"
#include "compiler/Codegen/GenerateKernels.h"
#include "compiler/Import/Import.h"
#include "compiler/Placement/Explain.h"
#include "compiler/Support/AtomicFile.h"
#include "passes/RegisterAll.h"
#include "runtime/Base/HostLimits.h"
#include "tools/CommandLine.h"
#include "tools/DescribeModel.h"
#include "tools/compile/MakePlan.h"
#include "tools/compile/Phases.h"
#include "tools/compile/Settings.h"

#include "llvm/Support/raw_ostream.h"

#include <filesystem>
#include <fmt/format.h>

namespace strata::compile {

namespace {

constexpr std::string_view kTool = "strata-compile";

void remark(std::string_view kind, const std::vector<std::string> &sentences) {
  for (const std::string &sentence : sentences)
    fmt::print(stderr, "{}: {}: {}\n", kTool, kind, sentence);
}

/// The artifact must not take the place of the model it is made from.
Result<void> checkOutput(const std::string &output, const gguf::Model &model) {
  std::error_code ignored;
  for (const gguf::FileInfo &file : model.files())
    if (!output.empty() && std::filesystem::equivalent(output, file.path, ignored))
      return fail(ExitCode::CommandLine, "",
                  fmt::format("-o {} is the model itself; choose another name", escapeName(output)));
  return {};
}

/// One compilation. Its parts are filled in the order in which they stand.
class Compilation {
public:
  Compilation(const Options &commandLineOptions, gguf::Model ggufModel, ModelDescription modelDescription)
      : options(commandLineOptions), model(std::move(ggufModel)), description(std::move(modelDescription)),
        context(registry(), mlir::MLIRContext::Threading::DISABLED) {
    context.loadAllAvailableDialects();
  }

  Result<void> run();

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry dialects;
    registerAllDialects(dialects);
    return dialects;
  }

  Result<mlir::OwningOpRef<mlir::ModuleOp>> import();
  Result<void> runPhases(mlir::ModuleOp module);
  /// The first lines of the plan, as strata-plan prints them.
  void printPlan() const;
  Result<void> writeCuda(mlir::ModuleOp module);
  /// The kernels of the plan, compiled; none for a plan without a GPU.
  Result<std::vector<CompiledKernel>> compileKernelsOf(mlir::ModuleOp module);
  Result<void> writeText(const std::string &text);
  Result<void> writeArtifact(mlir::ModuleOp plan);

  const Options &options;
  gguf::Model model;
  ModelDescription description;
  planning::Planned planned;
  Inventory inventory;
  mlir::MLIRContext context;
};

Result<mlir::OwningOpRef<mlir::ModuleOp>> Compilation::import() {
  DiagnosticCollector diagnostics(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module = importModel(context, description, model);
  if (!module)
    return fail(ExitCode::Bug, "", "a bug of ours, please report it: phase import failed: " + diagnostics.text());
  return module;
}

Result<void> Compilation::runPhases(mlir::ModuleOp module) {
  PhaseRun run;
  run.passes = pipelineOptions(planned.request.settings, planned.machine);
  run.reproducer = (options.output.empty() ? "strata-compile" : options.output) + ".reproducer.mlir";
  run.dumpFolder = options.dumpFolder;
  Phase last = *findPhase(options.stopAfter);
  for (const PhaseInfo &info : phaseTable()) {
    if (info.phase > last || info.phase == Phase::Artifact)
      break;
    if (info.phase == Phase::Place) {
      LoweredShapes shapes(module, options, planned);
      STRATA_TRY(makePlanOf(module, shapes, planned));
      if (planned.plan.shortfall) {
        printPlan();
        return planning::shortfallError(planned);
      }
      run.passes = pipelineOptions(planned.plan.settings, planned.machine);
      if (!options.explained.empty())
        return {};
    }
    STRATA_TRY(runPhase(module, info.phase, run));
    if (!run.dumpFolder.empty())
      STRATA_TRY(dumpPhase(module, info.phase, run.dumpFolder));
  }
  return {};
}

void Compilation::printPlan() const {
  constexpr int kLines = 10;
  std::string report = planning::formatReport(planned, "");
  size_t end = 0;
  for (int line = 0; line < kLines && end < report.size(); ++line)
    end = report.find('\n', end) + 1;
  fmt::print("{}", report.substr(0, end));
}

Result<void> Compilation::writeText(const std::string &text) {
  if (!options.output.empty())
    return writeFileAtomically(options.output, std::as_bytes(std::span(text)));
  fmt::print("{}", text);
  return {};
}

static std::string printed(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

Result<void> Compilation::writeCuda(mlir::ModuleOp module) {
  STRATA_ASSIGN(std::vector<KernelUnit> units, generateUnits(module));
  if (units.empty())
    return fail(ExitCode::CommandLine, "",
                fmt::format("--emit=cuda: the machine {} has no GPU, and its plan no kernels; choose one that has",
                            escapeName(planned.machine.name)));
  std::string text;
  for (const KernelUnit &unit : units)
    text += fmt::format("// ==== {}.cu\n{}\n", unit.name, unit.source);
  return writeText(text);
}

Result<std::vector<CompiledKernel>> Compilation::compileKernelsOf(mlir::ModuleOp module) {
  STRATA_ASSIGN(std::vector<KernelUnit> units, generateUnits(module));
  std::vector<CompiledKernel> kernels;
  if (units.empty())
    return kernels;
  NvrtcSearch search;
  search.option = options.nvrtc;
  STRATA_ASSIGN(Nvrtc nvrtc, Nvrtc::open(search));
  CompileOptions how;
  how.workers = hostLimits().cores;
  STRATA_ASSIGN(CompiledUnits compiled, compileKernels(nvrtc, units, how));
  if (!compiled.cacheError.empty())
    remark("warning", {compiled.cacheError});
  for (size_t i = 0; i < units.size(); ++i) {
    STRATA_ASSIGN(std::vector<KernelResources> resources, cubinResources(compiled.units[i].cubin));
    CompiledKernel kernel{std::move(units[i].source), std::move(compiled.units[i].ptx),
                          std::move(compiled.units[i].cubin)};
    for (const KernelResources &found : resources)
      if (found.name == units[i].name) {
        kernel.registers = found.registers;
        kernel.sharedBytes = found.sharedBytes;
        kernel.stackBytes = found.stackBytes;
      }
    kernels.push_back(std::move(kernel));
  }
  return kernels;
}

Result<void> Compilation::writeArtifact(mlir::ModuleOp plan) {
  STRATA_ASSIGN(std::vector<CompiledKernel> kernels, compileKernelsOf(plan));
  ArtifactSource source{.model = model,
                        .description = description,
                        .machine = planned.machine,
                        .inventory = inventory,
                        .modelPath = options.model,
                        .compilerVersion = STRATA_VERSION,
                        .commandLine = options.commandLine,
                        .kernels = kernels,
                        .prediction = &planned.prediction};
  STRATA_ASSIGN(std::vector<std::byte> bytes, serialiseArtifact(plan, source));
  return writeFileAtomically(options.output, bytes);
}

Result<void> Compilation::run() {
  STRATA_ASSIGN(planned, planRequest(options, model, description));
  STRATA_ASSIGN(inventory, takeInventory(model.tensors(), description));
  // Sizes that overflow are the options' fault, and found before a pass meets them.
  STRATA_TRY(ramNeed(description, planned.request.settings, inventory.total.bytes, {}));
  remark("warning", model.warnings());
  remark("note", description.defaults);
  remark("note", description.notes);

  STRATA_ASSIGN(mlir::OwningOpRef<mlir::ModuleOp> module, import());
  STRATA_TRY(runPhases(*module));
  if (!options.explained.empty()) {
    STRATA_ASSIGN(std::string text, explain(planned.plan, planned.weights, options.explained));
    fmt::print("{}", text);
    return {};
  }
  if (options.cuda)
    return writeCuda(*module);
  if (*findPhase(options.stopAfter) < Phase::Artifact)
    return writeText(printed(*module));
  STRATA_TRY(writeArtifact(*module));
  if (!planned.plan.inOneTier() && planned.plan.hasGpu)
    remark("note",
           {"the plan is over several tiers with a GPU, which this version cannot run yet: the artifact has the whole "
            "plan, but no kernels for experts that are in several tiers"});
  printPlan();
  return {};
}

} // namespace

Result<ExitCode> compileModel(const Options &options) {
  STRATA_TRY(checkOptions(options));
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = options.headerOnly}));
  STRATA_TRY(checkOutput(options.output, model));
  STRATA_ASSIGN(ModelDescription description, describeAndReport(kTool, model, {options.expertGroups}));
  STRATA_TRY(Compilation(options, std::move(model), std::move(description)).run());
  return ExitCode::Done;
}

} // namespace strata::compile
