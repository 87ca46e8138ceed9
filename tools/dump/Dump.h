// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The sections of what strata-dump prints. Each is a text that ends with a line break.
#pragma once

#include "runtime/Artifact/LoadedArtifact.h"

#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace strata {

/// What was compiled, for what, and what it needs: the model, the settings, memory, programs and prediction.
std::string dumpSummary(const LoadedArtifact &artifact);
/// The plan dialect's text as the compiler wrote it.
std::string dumpPlan(const LoadedArtifact &artifact);
/// Every arena and every value in one: its rows, columns and element, and its offset for each setting.
std::string dumpBuffers(const LoadedArtifact &artifact);
/// Runs, blocks, stages, and the dispatches with their operands by name.
std::string dumpPrograms(const LoadedArtifact &artifact);
/// The tensor table.
std::string dumpTensors(const LoadedArtifact &artifact);
/// The kernels of a plan for a GPU, and how they are launched; nothing but the title for a plan without.
std::string dumpKernels(const LoadedArtifact &artifact);
/// Their registers, shared memory and stack.
std::string dumpResources(const LoadedArtifact &artifact);
/// Their CUDA text, and the PTX that was made of it.
std::string dumpSource(const LoadedArtifact &artifact);
std::string dumpPtx(const LoadedArtifact &artifact);
/// All of it as JSON, with the schema's names.
std::string dumpJson(const LoadedArtifact &artifact);

namespace dump {

/// "== Title =====", as wide as a terminal.
std::string banner(std::string_view title);
/// "352.1 GiB"; bytes up to 10 KiB as they are.
std::string bytes(uint64_t number);
/// "24,772,608".
std::string thousands(uint64_t number);
/// An optional string of the artifact, escaped; empty if it is absent.
std::string name(const flatbuffers::String *text);
/// An encoding's name by ggml's type id.
std::string encoding(uint32_t id);
/// "256x2048x7168".
std::string shape(const flatbuffers::Vector<uint64_t> &dimensions);

} // namespace dump
} // namespace strata
