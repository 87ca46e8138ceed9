// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A device: something with memory that runs the operations of a program (docs/operations.md).
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/RowBytes.h"
#include "runtime/Schema/artifact_generated.h"
#include "runtime/Weights/Encoding.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace strata {

/// The KV cache of one layer, as the operations see it (docs/operations.md, KvLayout in the schema).
struct KvView {
  std::byte *layer = nullptr;          ///< Block 0 of the running layer.
  const int32_t *blockTable = nullptr; ///< [sequences, blocksPerSequence]: the blocks that each sequence owns.
  uint64_t blockBytes = 0;
  uint32_t blocksPerSequence = 0;
  uint32_t blockPositions = 64;
  uint32_t latent = 0;
  uint32_t rope = 0;
  schema::KvEncoding encoding = schema::KvEncoding::f16;
};

/// One operand of a call, bound to memory. For a value, `rows` rows of `columns` numbers, `rowBytes` apart; for a
/// weight, `dimensions` (unused leading ones are 1) in `encoding`; for the cache, `kv`.
struct BoundOperand {
  schema::OperandKind kind = schema::OperandKind::none;
  std::byte *data = nullptr; ///< Weights are never written through it.
  /// Of a weight of experts which are not one after the other at `data`: where each is; null for one that is not in
  /// memory, which is then in no part that is launched.
  const std::byte *const *experts = nullptr;
  uint64_t rows = 0;
  uint64_t columns = 0;
  uint64_t rowBytes = 0;
  schema::Element element = schema::Element::f32;
  Encoding encoding = Encoding::F32;
  std::array<uint64_t, 3> dimensions = {1, 1, 1};
  const KvView *kv = nullptr;
};

/// The parameters of every operation, decoded; an operation reads its own (the table in docs/operations.md).
struct CallParameters {
  float epsilon = 0;
  uint32_t heads = 0;
  uint32_t nope = 0;
  std::span<const float> frequencies;
  float magnitude = 1;
  float scale = 1;
  uint32_t splitPositions = 0;
  schema::Gate gate = schema::Gate::sigmoid;
  uint32_t groups = 1;
  uint32_t groupsUsed = 1;
  uint32_t experts = 0;
  uint32_t expertsUsed = 0;
  bool normalise = false;
  uint32_t width = 0;
  uint32_t sharedWidth = 0;
};

/// What a launch computes of `experts_gate_up` or `experts` where not all experts are in memory at one time. The
/// operation is then launched in parts; each expert that a row uses is in one of them, in prompts in ascending order
/// over the parts.
struct ExpertPart {
  const uint8_t *taken = nullptr; ///< By expert: 1 if it is in this part.
  bool first = true;              ///< Begins the sums. The shared expert's gate and up go here.
  bool last = true;               ///< Ends the sums: adds the shared expert and the residual.
};

/// One dispatch with everything bound: what a device runs.
struct KernelCall {
  schema::Operation operation = schema::Operation::embed;
  schema::Form form = schema::Form::few;
  schema::ActivationEncoding activations = schema::ActivationEncoding::i16;
  uint64_t rows = 0; ///< T
  std::span<const BoundOperand> reads;
  std::span<const BoundOperand> writes;
  CallParameters parameters;
  std::span<const uint32_t> kernels = {}; ///< Of the artifact, in the order of their launches; none on the host.
  const ExpertPart *part = nullptr;       ///< Nothing: all experts.
};

/// Allocates, copies, launches, synchronises. Between two steps nothing is allocated: `launch` must not allocate.
class Device {
public:
  virtual ~Device() = default;
  virtual schema::DeviceKind kind() const = 0;
  /// What makes this device slower here than it could be, a sentence each without a full stop, to be shown once.
  virtual std::vector<std::string> notes() const { return {}; }

  /// `bytes` zeroed bytes, aligned to 64; owned by the device until its end. Exit code 3 if there is not enough memory.
  virtual Result<std::byte *> allocate(uint64_t bytes) = 0;
  virtual Result<void> copyToDevice(std::byte *to, std::span<const std::byte> from) = 0;
  virtual Result<void> copyFromDevice(std::span<std::byte> to, const std::byte *from) = 0;
  /// Starts one operation; calls run in the order of their launches. Operands must be what docs/operations.md asks for:
  /// artifacts are checked when they are loaded, not here.
  virtual Result<void> launch(const KernelCall &call) = 0;
  /// Brings a weight that was copied as the file has it into the device's layout, with a kernel of the artifact:
  /// `bytes` at `weight`, `matrices` of them. Only for devices that run kernels.
  virtual Result<void> repack(uint32_t kernel, std::byte *weight, uint64_t bytes, uint64_t matrices);
  /// Waits for everything launched.
  virtual Result<void> synchronise() = 0;
};

} // namespace strata
