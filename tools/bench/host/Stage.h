// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A host device with operands to launch kernels on, and what its figures are held against.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/ThreadPool.h"
#include "tools/probe/StreamingRead.h"

#include <memory>
#include <random>

namespace strata::bench {

/// The shapes of DeepSeek V3.1.
inline constexpr uint64_t kEmbedding = 7168, kExpertWidth = 2048, kHeads = 128, kHeadWidth = 128, kLatent = 512,
                          kRope = 64;
inline constexpr uint64_t kExperts = 64, kExpertsUsed = 8;

class Stage {
public:
  /// Exit code 3 if there is not enough memory, or the processor does not have the instructions.
  static Result<std::unique_ptr<Stage>> create(uint32_t threads, Isa isa);

  /// Weights [matrices, rows, columns] that begin `skipped` bytes into the buffer. All weights share it, whatever their
  /// encoding: its bytes are such that every encoding's scales and numbers are ordinary ones.
  BoundOperand weight(Encoding encoding, uint64_t matrices, uint64_t rows, uint64_t columns,
                      uint64_t skipped = 0) const;
  /// The buffer's size, a cache's many times: who reads all of it reads memory.
  static constexpr uint64_t kWeightBytes = uint64_t{7} << 28;

  /// Space for a value.
  Result<BoundOperand> space(uint64_t rows, uint64_t columns, schema::Element element = schema::Element::f32,
                             schema::ActivationEncoding activations = schema::ActivationEncoding::f32);
  /// Random numbers.
  Result<BoundOperand> numbers(uint64_t rows, uint64_t columns);
  Result<BoundOperand> integers(std::span<const int32_t> integers);
  /// What a product with weights of this encoding reads: `numbers` quantised, or as they are.
  Result<BoundOperand> inputFor(Encoding encoding, const BoundOperand &numbers, schema::ActivationEncoding activations);
  /// A cache of one sequence with so many positions; owned by the stage.
  Result<BoundOperand> cache(uint32_t positions);

  Device &device() { return *host; }
  ThreadPool &pool() { return *threadPool; }
  probe::StreamingRead &read() { return *streamingRead; }
  uint32_t threads() const { return threadPool->threads(); }

  std::mt19937 random{1};

private:
  Stage() = default;

  std::unique_ptr<Device> host;
  std::unique_ptr<ThreadPool> threadPool;
  std::unique_ptr<probe::StreamingRead> streamingRead;
  std::byte *weights = nullptr;
  std::vector<std::unique_ptr<KvView>> caches;
};

/// True for encodings whose products take quantised activations.
bool isBlockQuantised(Encoding encoding);

} // namespace strata::bench
