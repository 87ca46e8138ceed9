// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which kernels an operation is made of: for each the main loop with its template constants, what it is called with,
// and the geometry of its launch. Plain functions of shapes and encodings, in step with the formulas of Kernels/*.cuh.
#pragma once

#include "runtime/Schema/artifact_generated.h"
#include "runtime/Weights/Encoding.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::kernels {

/// What is asked for: an operation of docs/operations.md, or one of the three that only devices of this kind have.
enum class Kind : uint8_t {
  Operation,       ///< `operation` as it is.
  Repack,          ///< A weight from the GGUF's layout to the device's: (source, destination), rows = matrices.
  RmsNormQuantise, ///< rms_norm and quantise: reads x, weight; writes the activation.
  RmsNormBoth      ///< The same; writes the normalised row, then the activation.
};

/// How the work of one product is cut.
struct Schedule {
  uint32_t columns = 1;     ///< Activation rows that share a read of the weight.
  uint32_t rows = 1;        ///< Of the weight: that a lane works on at once; in a tensor-core tile, of the tile.
  uint32_t minimumCtas = 4; ///< That must fit a multiprocessor at a time, which bounds the registers.

  bool operator==(const Schedule &) const = default;
};

/// Everything that kernels have as constants. A request needs what its operation's row of docs/operations.md names.
struct Request {
  Kind kind = Kind::Operation;
  schema::Operation operation = schema::Operation::embed;
  schema::Form form = schema::Form::few;
  schema::ActivationEncoding activations = schema::ActivationEncoding::i16;
  schema::KvEncoding kv = schema::KvEncoding::f16;
  uint32_t maximumRows = 1; ///< Of a launch: the sequences of a decode step, the tokens of a chunk or prompt.

  uint32_t columns = 0; ///< K: of a row, of a weight's row, of one head's weight.
  uint32_t results = 0; ///< N: rows of the weight (of one head); the vocabulary for embed.
  uint32_t heads = 0;
  /// The weights in the order of the operands; experts: routed gate, up, down, then the shared ones.
  std::array<Encoding, 6> weights = {Encoding::Q4_0, Encoding::Q4_0, Encoding::Q4_0,
                                     Encoding::Q4_0, Encoding::Q4_0, Encoding::Q4_0};
  bool residual = false; ///< matmul has one.

  uint32_t latent = 0, rope = 0, nope = 0;
  uint32_t blocksPerSequence = 0;
  uint32_t splitPositions = 0, splits = 0;
  /// How many f16 numbers hold a query or a probability where attention reads a cache of f16 on tensor cores
  /// (AttentionTile.cuh); 0: on CUDA cores, as for a cache of f32.
  uint32_t attentionParts = 2;

  uint32_t experts = 0, expertsUsed = 0, width = 0, sharedWidth = 0;
  uint32_t groups = 1, groupsUsed = 1;
  schema::Gate gate = schema::Gate::sigmoid;
  bool normalise = false, bias = false;
  /// A decode step finds each routed expert through a table of X addresses on the device, which takes the place of the
  /// weight; experts whose address is null are skipped.
  bool expertTable = false;
  uint32_t segmentRows = 0; ///< C, the rows of an `experts` operation's scratch.

  float epsilon = 0, magnitude = 1, scale = 1;

  std::vector<Schedule> schedules; ///< Of its products; empty: as schedulesFor() chooses.
};

/// One parameter of a kernel, in the order of the launch. The last is always `unsigned rows`, after it `unsigned
/// segment` in kernels that are repeated.
struct Parameter {
  std::string_view type; ///< "const float *"
  std::string name;
};

/// One kernel of an operation.
struct Step {
  std::string name;                    ///< What it is, for the kernel's name: "matmulFew".
  std::vector<std::string_view> files; ///< Of Kernels/, for unitPrefix.
  std::string callee;                  ///< "strata::matmulFew<strata::Q4_0, strata::I16, 96, 256, epilogue, 1, 1>"
  std::vector<std::string> arguments;  ///< C expressions of the parameters' names.
  bool epilogue = false;               ///< The callee names `epilogue`, which the unit must define.
  uint32_t resultColumns = 0;          ///< Numbers in a row of what the epilogue writes (and of its residual).
  bool frequencies = false;            ///< An argument is `frequencies`, an array that the unit must define.
  uint32_t threads = 128;
  uint32_t gridX = 1;
  uint32_t rowsPerCta = 1; ///< gridY = ceil(rows / rowsPerCta); 1 if this is 0.
  uint32_t dynamicSharedBytes = 0;
  uint32_t minimumCtas = 4; ///< __launch_bounds__(threads, minimumCtas)
  /// Repeated ceil(rows · perRow / segmentRows) times, with `segment` counting, together with its neighbours of the
  /// same `group`: first all of the group with segment 0, then with 1. Not repeated if segmentRows is 0.
  uint32_t group = 0, perRow = 0, segmentRows = 0;

  /// What ptxas may not exceed: 65536 registers for the threads of minimumCtas CTAs, in units of 8, at most 255.
  uint32_t registerCeiling() const;
};

struct Plan {
  std::vector<Parameter> parameters; ///< Of every step, without rows and segment.
  std::vector<Step> steps;           ///< In the order of their launches.
};

/// The request must be one that artifacts are checked for: nothing is verified here.
Plan plan(const Request &request);

/// How many columns share a read of the weight in the few-column form: 1, 2, 4 or 8; rows of f32 at most 4, since they
/// need more registers.
uint32_t fewColumns(uint32_t maximumRows, bool digits);

/// Whether the device keeps the encoding in planes, so that it must be repacked.
bool isRepacked(Encoding encoding);

/// The text of a step's entry point, without epilogue and frequencies, for a unit that holds this one kernel.
std::string entryPoint(const Plan &plan, const Step &step, std::string_view name);

} // namespace strata::kernels
