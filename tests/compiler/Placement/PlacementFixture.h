// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// DeepSeek V3.1's tensors, and plans of it.
#pragma once

#include "compiler/Placement/Planner.h"
#include "tests/compiler/Support/ModelFixture.h"

#include <fstream>
#include <sstream>

namespace strata {

inline constexpr const char *kPlainList = "deepseek-v3.1-q4_0-tensors.tsv";
inline constexpr const char *kImatrixList = "deepseek-v3.1-q4_0-imatrix-tensors.tsv";

/// The tensors of a list under tests/models/data. Its lines are name, ne0, ne1, ne2, encoding, its id, category,
/// elements, bytes, offset.
inline std::vector<gguf::TensorInfo> readTensorList(const std::string &name) {
  std::ifstream file(STRATA_TEST_MODELS "/data/" + name);
  std::string line;
  std::getline(file, line);
  std::vector<gguf::TensorInfo> tensors;
  while (std::getline(file, line)) {
    gguf::TensorInfo tensor;
    std::istringstream columns(line);
    std::string encoding, category;
    uint64_t ne0 = 0, ne1 = 0, ne2 = 0, elements = 0;
    uint32_t type = 0;
    columns >> tensor.name >> ne0 >> ne1 >> ne2 >> encoding >> type >> category >> elements >> tensor.bytes;
    tensor.encoding = encodingInfo(type)->encoding;
    tensor.dimensions = ne2 > 1 ? std::vector{ne2, ne1, ne0} : ne1 > 1 ? std::vector{ne1, ne0} : std::vector{ne0};
    tensors.push_back(tensor);
  }
  return tensors;
}

/// The weights of V3.1 by one of its lists.
inline ModelWeights v31Weights(const std::string &list = kPlainList) {
  return valueOrThrow(weighModel(readTensorList(list), describeOrThrow(openV31())));
}

/// What strata-plan asks for by default.
inline PlanRequest defaultRequest(uint64_t context = 32768) {
  PlanRequest request;
  request.settings = {.context = context,
                      .sequences = 1,
                      .promptTokens = std::min<uint64_t>(context, 32768),
                      .chunkTokens = 512,
                      .kvNumberBytes = 2};
  return request;
}

inline MachineDescription machineOf(std::string_view preset) {
  return valueOrThrow(loadMachine(preset));
}

/// A machine without a GPU and with a disk of `diskRate` bytes per second.
inline MachineDescription hostWith(uint64_t ramBytes, double diskRate = 2e9) {
  MachineDescription machine = machineOf("host");
  machine.cores = 8;
  machine.ramBytes = ramBytes;
  machine.host = assumedHostFigures(8);
  machine.disk->reads.front().bandwidth.value = diskRate;
  return machine;
}

} // namespace strata
