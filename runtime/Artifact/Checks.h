// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is checked of an artifact before anything of it is executed, by subject. Later checks rely on earlier ones: they
// run in the order in which they are declared. Every refusal has exit code 1 and the id of its rule
// (docs/artifact-format.md).
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace strata::artifact {

/// Returns the flatbuffer's bytes. A01 size, A02 identifier, A03 schema, A08 length, A05 damage.
Result<std::span<const std::byte>> checkEnvelope(std::span<const std::byte> file);

/// A02 the flatbuffer's identifier, A06 its alignment in memory, A07 flatbuffers' own verifier, with our limits.
Result<const schema::Artifact *> checkStructure(std::span<const std::byte> payload);

/// A09: vectors that are empty or have not one entry per encoding, roles that are missing or taken twice.
Result<void> checkPresence(const schema::Artifact &artifact);

/// A31: names are UTF-8 and at most 256 bytes long.
Result<void> checkNames(const schema::Artifact &artifact);

/// A13: enumerators, union types and tensor encodings that this runtime does not know.
Result<void> checkEnumerators(const schema::Artifact &artifact);

/// A17: indices of files, arenas, blocks, weights and values.
Result<void> checkIndices(const schema::Artifact &artifact);

/// A22: the settings, and a KV cache that has a place for every position that they allow.
Result<void> checkKvLayout(const schema::Artifact &artifact);

/// A18: dimensions and byte counts of tensors and values. A19: tensors inside their file and their arena.
Result<void> checkSizes(const schema::Artifact &artifact);

/// A23 values and tensors in the arena that is theirs. A19 inside it. A29 arenas within the declared bytes.
Result<void> checkPlacement(const schema::Artifact &artifact);

/// A22: runs cover the layers once, in order. A17, A20: their tensors are there, and are what the block's weights say.
/// A07: there is a limit to what the runs unroll to.
Result<void> checkRuns(const schema::Artifact &artifact);

/// A20: every dispatch against its operation's signature (OperationSignatures.h).
Result<void> checkSignatures(const schema::Artifact &artifact);

/// A14: kernels of dispatches and weights are there, and none where none runs. A15: their launches are possible, and
/// take the operands that they get.
Result<void> checkKernels(const schema::Artifact &artifact);

/// Where experts are, what tiers have room for, and whether devices see their operands (A14, A23, A25, A30).
Result<void> checkTiers(const schema::Artifact &artifact);

/// Whether devices that work side by side wait for each other (A26).
Result<void> checkTransfers(const schema::Artifact &artifact);

/// A21: nothing is read before it is written.
Result<void> checkOrder(const schema::Artifact &artifact);

/// A24: values that live at the same time, and resident tensors, do not share bytes.
Result<void> checkLiveRanges(const schema::Artifact &artifact);

/// A refusal: exit code 1.
inline tl::unexpected<Error> refuse(std::string_view id, std::string message) {
  return fail(ExitCode::Input, id, std::move(message));
}

/// A string of the artifact for a message.
inline std::string printable(const flatbuffers::String *text) {
  return text ? escapeName(text->string_view()) : std::string();
}

/// "embed of block token_embedding in the decode program".
std::string describe(const schema::Program &program, const schema::Block &block, const schema::Dispatch &dispatch);
std::string describe(const schema::Program &program, const schema::Value &value);

/// True if experts are not all in one tier: more than one memory, and with a GPU more than one device, is needed then.
bool hasSeveralTiers(const schema::Artifact &artifact);
/// True if a device reads and writes the bytes of a tier directly.
bool sees(schema::DeviceKind device, schema::Tier tier);
/// A copy to another device, a wait for one, or a stream of experts: nothing that a kernel computes.
bool isTransfer(schema::Operation operation);

/// The rows that a value's place in an arena is sized for.
uint32_t rowCapacity(const schema::Settings &settings, schema::Rows rows);

/// True if `value` is written by Exec, or carries rows from block to block: it lives from a program's start to its end.
bool livesThroughout(const schema::Value &value);

/// Calls `visit(block, stage, dispatch)` for every dispatch of a program's blocks until one returns an error.
template <typename Visit> Result<void> forEachDispatch(const schema::Program &program, Visit visit) {
  for (const schema::Block *block : *program.blocks())
    for (const schema::Stage *stage : *block->stages())
      for (const schema::Dispatch *dispatch : *stage->dispatches())
        STRATA_TRY(visit(*block, *stage, *dispatch));
  return {};
}

} // namespace strata::artifact
