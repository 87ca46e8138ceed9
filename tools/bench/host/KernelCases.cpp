// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/KernelCases.h"

#include "tools/bench/host/Clock.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace strata::bench {

namespace {

using schema::ActivationEncoding;
using schema::Form;
using schema::Operation;

using Run = std::function<Result<double>()>;

/// A call with the operands that it points to.
struct Launch {
  Operation operation;
  Form form;
  ActivationEncoding activations;
  uint64_t rows;
  std::vector<BoundOperand> reads, writes;
  CallParameters parameters = {};

  Result<void> on(Device &device) const {
    KernelCall call;
    call.operation = operation;
    call.form = form;
    call.activations = activations;
    call.rows = rows;
    call.reads = reads;
    call.writes = writes;
    call.parameters = parameters;
    return device.launch(call);
  }
};

Result<double> timed(Device &device, std::span<const Launch> launches) {
  Result<void> result;
  double seconds = secondsOf([&] {
    for (const Launch &launch : launches)
      if (result)
        result = launch.on(device);
  });
  STRATA_TRY(result);
  return seconds;
}

std::string nameOf(ActivationEncoding activations) {
  return schema::EnumNameActivationEncoding(activations);
}

double operationsOf(uint64_t rows, uint64_t columns, uint64_t tokens) {
  return 2.0 * static_cast<double>(rows * columns * tokens);
}

uint64_t bytesOf(Encoding encoding, uint64_t rows, uint64_t columns) {
  return encodedBytes(encoding, columns, rows).value();
}

/// So many rows that the weight is 1 GiB, which no cache holds.
constexpr uint64_t kStreamBytes = uint64_t{1} << 30;

/// A product of few columns: one long stream of weights.
KernelCase fewColumns(Encoding encoding, uint64_t columns, uint64_t tokens, ActivationEncoding activations) {
  uint64_t rows = kStreamBytes / bytesOf(encoding, 1, columns);
  KernelCase made;
  made.kernel = fmt::format("few columns {} K={} x {}", encodingInfo(encoding).name, columns, tokens);
  made.shape = fmt::format("[{}, {}]", rows, columns);
  made.activations = isBlockQuantised(encoding) ? nameOf(activations) : "f32";
  made.bytes = static_cast<double>(bytesOf(encoding, rows, columns));
  made.operations = operationsOf(rows, columns, tokens);
  made.roof = Roof::memory;
  made.prepare = [=](Stage &stage) -> Result<Run> {
    STRATA_ASSIGN(BoundOperand numbers, stage.numbers(tokens, columns));
    STRATA_ASSIGN(BoundOperand input, stage.inputFor(encoding, numbers, activations));
    STRATA_ASSIGN(BoundOperand result, stage.space(tokens, rows));
    Launch launch = {
        Operation::matmul, Form::few, activations, tokens, {input, stage.weight(encoding, 1, rows, columns), {}},
        {result}};
    return [&stage, launch] { return timed(stage.device(), std::span(&launch, 1)); };
  };
  return made;
}

/// An expert's slab with the tokens that chose it, another slab every time.
KernelCase manyColumns(Encoding encoding, uint64_t rows, uint64_t columns, uint64_t tokens,
                       ActivationEncoding activations) {
  KernelCase made;
  made.kernel = fmt::format("many columns {} K={} x {}", encodingInfo(encoding).name, columns, tokens);
  made.shape = fmt::format("[{}, {}]", rows, columns);
  made.activations = nameOf(activations);
  made.bytes = static_cast<double>(bytesOf(encoding, rows, columns));
  made.operations = operationsOf(rows, columns, tokens);
  made.roof = Roof::vnni;
  made.prepare = [=](Stage &stage) -> Result<Run> {
    STRATA_ASSIGN(BoundOperand numbers, stage.numbers(tokens, columns));
    STRATA_ASSIGN(BoundOperand input, stage.inputFor(encoding, numbers, activations));
    STRATA_ASSIGN(BoundOperand result, stage.space(tokens, rows));
    uint64_t bytes = bytesOf(encoding, rows, columns), slabs = Stage::kWeightBytes / bytes;
    return [=, &stage, slab = uint64_t{0}]() mutable {
      BoundOperand weight = stage.weight(encoding, 1, rows, columns, slab++ % slabs * bytes);
      Launch launch = {Operation::matmul, Form::many, activations, tokens, {input, weight, {}}, {result}};
      return timed(stage.device(), std::span(&launch, 1));
    };
  };
  return made;
}

/// Random experts in ascending order, as the router gives them.
std::vector<int32_t> chooseExperts(std::mt19937 &random) {
  std::vector<int32_t> all(kExperts);
  std::iota(all.begin(), all.end(), 0);
  std::ranges::shuffle(all, random);
  all.resize(kExpertsUsed);
  std::ranges::sort(all);
  return all;
}

/// What a MoE layer of a decode step does between its router and its end: 8 of 64 experts and the shared one.
struct LayerOperands {
  BoundOperand input, inputDigits, hidden, hiddenDigits, weights, result;
  BoundOperand gate, up, down, sharedGate, sharedUp, sharedDown;
};

Result<LayerOperands> layerOperands(Stage &stage, ActivationEncoding activations) {
  constexpr Encoding kEncoding = Encoding::Q4_0;
  LayerOperands made;
  uint64_t slab = bytesOf(kEncoding, kExpertWidth, kEmbedding), matrix = kExperts * slab;
  made.gate = stage.weight(kEncoding, kExperts, kExpertWidth, kEmbedding);
  made.up = stage.weight(kEncoding, kExperts, kExpertWidth, kEmbedding, matrix);
  made.down = stage.weight(kEncoding, kExperts, kEmbedding, kExpertWidth, 2 * matrix);
  made.sharedGate = stage.weight(kEncoding, 1, kExpertWidth, kEmbedding, 3 * matrix);
  made.sharedUp = stage.weight(kEncoding, 1, kExpertWidth, kEmbedding, 3 * matrix + slab);
  made.sharedDown = stage.weight(kEncoding, 1, kEmbedding, kExpertWidth, 3 * matrix + 2 * slab);
  constexpr uint64_t kHidden = (kExpertsUsed + 1) * kExpertWidth;
  STRATA_ASSIGN(made.input, stage.numbers(1, kEmbedding));
  STRATA_ASSIGN(made.inputDigits, stage.space(1, kEmbedding, schema::Element::activation, activations));
  STRATA_ASSIGN(made.hidden, stage.space(1, kHidden));
  STRATA_ASSIGN(made.hiddenDigits, stage.space(1, kHidden, schema::Element::activation, activations));
  STRATA_ASSIGN(made.weights, stage.numbers(1, kExpertsUsed));
  STRATA_ASSIGN(made.result, stage.space(1, kEmbedding));
  return made;
}

KernelCase expertLayer(ActivationEncoding activations) {
  constexpr uint64_t kSlabs = 3 * (kExpertsUsed + 1);
  KernelCase made;
  made.kernel = "MoE layer";
  made.shape =
      fmt::format("{} of {} experts and a shared one, [{}, {}]", kExpertsUsed, kExperts, kExpertWidth, kEmbedding);
  made.activations = nameOf(activations);
  made.bytes = static_cast<double>(kSlabs * bytesOf(Encoding::Q4_0, kExpertWidth, kEmbedding));
  made.operations = operationsOf(kExpertWidth, kEmbedding, kSlabs);
  made.roof = Roof::memory;
  made.prepare = [=](Stage &stage) -> Result<Run> {
    STRATA_ASSIGN(LayerOperands with, layerOperands(stage, activations));
    return [=, &stage]() -> Result<double> {
      STRATA_ASSIGN(BoundOperand ids, stage.integers(chooseExperts(stage.random)));
      CallParameters parameters;
      parameters.experts = kExperts;
      parameters.expertsUsed = kExpertsUsed;
      parameters.width = parameters.sharedWidth = kExpertWidth;
      Launch launches[] = {{Operation::quantise, Form::few, activations, 1, {with.input}, {with.inputDigits}},
                           {Operation::experts_gate_up,
                            Form::few,
                            activations,
                            1,
                            {with.inputDigits, ids, with.gate, with.up, with.sharedGate, with.sharedUp},
                            {with.hidden},
                            parameters},
                           {Operation::quantise, Form::few, activations, 1, {with.hidden}, {with.hiddenDigits}},
                           {Operation::experts_down,
                            Form::few,
                            activations,
                            1,
                            {with.hiddenDigits, ids, with.weights, with.down, with.sharedDown, {}},
                            {with.result},
                            parameters}};
      return timed(stage.device(), launches);
    };
  };
  return made;
}

/// Attention of one token of a decode step over a cache of so many positions.
KernelCase attention(uint32_t positions) {
  constexpr uint32_t kSplitPositions = 256; // As strata-compile has it.
  KernelCase made;
  made.kernel = fmt::format("attention {} positions", positions);
  made.shape = fmt::format("{} heads, {} + {}, f16", kHeads, kLatent, kRope);
  made.bytes = static_cast<double>(positions * (kLatent + kRope) * sizeof(uint16_t));
  made.operations = operationsOf(kHeads, 2 * kLatent + kRope, positions);
  made.prepare = [=](Stage &stage) -> Result<Run> {
    uint64_t splits = (positions + kSplitPositions - 1) / kSplitPositions;
    STRATA_ASSIGN(BoundOperand absorbed, stage.numbers(1, kHeads * kLatent));
    STRATA_ASSIGN(BoundOperand rotated, stage.numbers(1, kHeads * kRope));
    STRATA_ASSIGN(BoundOperand cache, stage.cache(positions));
    STRATA_ASSIGN(BoundOperand position, stage.integers(std::vector{static_cast<int32_t>(positions - 1)}));
    STRATA_ASSIGN(BoundOperand sequence, stage.integers(std::vector{int32_t{0}}));
    STRATA_ASSIGN(BoundOperand partial, stage.space(1, kHeads * splits * (kLatent + 2)));
    STRATA_ASSIGN(BoundOperand result, stage.space(1, kHeads * kLatent));
    CallParameters parameters;
    parameters.heads = kHeads;
    parameters.scale = 0.07F;
    parameters.splitPositions = kSplitPositions;
    std::vector<Launch> launches = {{Operation::attention_splits,
                                     Form::few,
                                     ActivationEncoding::f32,
                                     1,
                                     {absorbed, rotated, cache, position, sequence},
                                     {partial},
                                     parameters},
                                    {Operation::attention_combine,
                                     Form::few,
                                     ActivationEncoding::f32,
                                     1,
                                     {partial, position},
                                     {result},
                                     parameters}};
    return [&stage, launches] { return timed(stage.device(), launches); };
  };
  return made;
}

/// The last rows of a prompt, each over all positions before it.
KernelCase promptAttention(uint32_t positions, uint32_t rows) {
  KernelCase made;
  made.kernel = fmt::format("prompt attention {} positions", positions);
  made.shape = fmt::format("{} rows, {} heads, {} + {}, f16", rows, kHeads, kLatent, kRope);
  made.operations =
      operationsOf(kHeads, 2 * kLatent + kRope, uint64_t{rows} * positions - uint64_t{rows} * (rows - 1) / 2);
  made.rate = &MachineRates::attention;
  made.prepare = [=](Stage &stage) -> Result<Run> {
    std::vector<int32_t> last(rows), sequences(rows);
    std::iota(last.begin(), last.end(), static_cast<int32_t>(positions - rows));
    STRATA_ASSIGN(BoundOperand absorbed, stage.numbers(rows, kHeads * kLatent));
    STRATA_ASSIGN(BoundOperand rotated, stage.numbers(rows, kHeads * kRope));
    STRATA_ASSIGN(BoundOperand cache, stage.cache(positions));
    STRATA_ASSIGN(BoundOperand position, stage.integers(last));
    STRATA_ASSIGN(BoundOperand sequence, stage.integers(sequences));
    for (BoundOperand *column : {&position, &sequence}) { // One for each row.
      column->rows = rows;
      column->columns = 1;
      column->rowBytes = sizeof(int32_t);
    }
    STRATA_ASSIGN(BoundOperand result, stage.space(rows, kHeads * kLatent));
    CallParameters parameters;
    parameters.heads = kHeads;
    parameters.scale = 0.07F;
    Launch launch = {Operation::attention,
                     Form::many,
                     ActivationEncoding::f32,
                     rows,
                     {absorbed, rotated, cache, position, sequence},
                     {result},
                     parameters};
    return [&stage, launch] { return timed(stage.device(), std::span(&launch, 1)); };
  };
  return made;
}

/// What two jobs cost that have nothing to do: launching them and waiting for all threads. `pause` seconds of the
/// calling thread's own work come before each pair, as norms and routers do before a layer's; threads then wait.
KernelCase emptyJobs(const char *name, double pause) {
  KernelCase made;
  made.kernel = name;
  made.shape = "2 jobs, launched and waited for";
  made.prepare = [=](Stage &stage) -> Result<Run> {
    return [&stage, pause]() -> Result<double> {
      ThreadPool &pool = stage.pool();
      auto job = [&] { pool.parallelFor(uint64_t{pool.threads()} * 4, 1, [](uint64_t, uint64_t, unsigned) {}); };
      std::vector<double> pairs(1000);
      for (double &pair : pairs) {
        auto begin = std::chrono::steady_clock::now();
        while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < pause)
          ;
        pair = secondsOf([&] {
          job();
          job();
        });
      }
      return median(std::move(pairs));
    };
  };
  return made;
}

/// A slab of an expert, computed where the disk's reader has just put it; the read is not part of the time.
KernelCase freshSlab(FreshSlabs &slabs, ActivationEncoding activations) {
  KernelCase made;
  made.kernel = "fresh slab";
  made.shape = fmt::format("[{}, {}], {}", slabs.rows(), slabs.columns(), slabs.description());
  made.activations = nameOf(activations);
  made.bytes = static_cast<double>(slabs.bytes());
  made.operations = operationsOf(slabs.rows(), slabs.columns(), 1);
  made.roof = Roof::memory;
  made.prepare = [=, &slabs](Stage &stage) -> Result<Run> {
    STRATA_ASSIGN(BoundOperand numbers, stage.numbers(1, slabs.columns()));
    STRATA_ASSIGN(BoundOperand input, stage.inputFor(Encoding::Q4_0, numbers, activations));
    STRATA_ASSIGN(BoundOperand result, stage.space(1, slabs.rows()));
    return [=, &stage, &slabs]() -> Result<double> {
      std::vector<double> seconds;
      for (int slab = 0; slab < 8; ++slab) {
        STRATA_ASSIGN(BoundOperand weight, slabs.next());
        Launch launch = {Operation::matmul, Form::few, activations, 1, {input, weight, {}}, {result}};
        STRATA_ASSIGN(double taken, timed(stage.device(), std::span(&launch, 1)));
        seconds.push_back(taken);
      }
      return median(std::move(seconds));
    };
  };
  return made;
}

/// Those of --activations; without it i8 and i16, which is what plans choose.
std::vector<ActivationEncoding> activationsOf(const HostOptions &options) {
  std::vector<ActivationEncoding> chosen;
  for (ActivationEncoding encoding : schema::EnumValuesActivationEncoding())
    if (std::ranges::find(options.encodings, nameOf(encoding)) != options.encodings.end())
      chosen.push_back(encoding);
  return chosen.empty() ? std::vector{ActivationEncoding::i8, ActivationEncoding::i16} : chosen;
}

} // namespace

std::vector<KernelCase> kernelCases(const HostOptions &options, FreshSlabs *slabs) {
  std::vector<KernelCase> cases;
  for (ActivationEncoding activations : activationsOf(options)) {
    for (uint64_t tokens = 1; tokens <= 8; ++tokens)
      cases.push_back(fewColumns(Encoding::Q4_0, kEmbedding, tokens, activations));
    for (uint64_t columns : {kExpertWidth, kHeadWidth})
      cases.push_back(fewColumns(Encoding::Q4_0, columns, 1, activations));
    for (Encoding encoding : {Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K})
      cases.push_back(fewColumns(encoding, kEmbedding, 1, activations));
    for (uint64_t tokens : {16u, 64u})
      cases.push_back(manyColumns(Encoding::Q4_0, kExpertWidth, kEmbedding, tokens, activations));
    if (activations ==
        ActivationEncoding::i8) // What prompts use, at the width that their experts have with 2,048 tokens.
      cases.back().rate = &MachineRates::products;
    cases.push_back(manyColumns(Encoding::Q4_0, kEmbedding, kExpertWidth, 64, activations));
    cases.push_back(expertLayer(activations));
    if (slabs)
      cases.push_back(freshSlab(*slabs, activations));
  }
  for (Encoding encoding : {Encoding::F32, Encoding::F16, Encoding::BF16})
    cases.push_back(fewColumns(encoding, kEmbedding, 1, ActivationEncoding::f32));
  for (uint32_t positions : {8192u, 32768u})
    cases.push_back(attention(positions));
  cases.push_back(promptAttention(2048, 64));
  cases.push_back(emptyJobs("empty job pair", 0));
  cases.push_back(emptyJobs("empty job pair after 100 us", 100e-6));
  if (!options.only.empty())
    std::erase_if(cases, [&](const KernelCase &one) {
      return std::ranges::none_of(options.only,
                                  [&](const std::string &text) { return one.kernel.find(text) != std::string::npos; });
    });
  return cases;
}

} // namespace strata::bench
