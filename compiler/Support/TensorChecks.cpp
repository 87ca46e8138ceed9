// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/TensorChecks.h"

#include "compiler/Support/TensorTable.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string>

namespace strata {

namespace {

/// What is said of one tensor, or of the same tensor in several layers.
struct Finding {
  std::string id;
  std::string tensor; ///< Without "blk.3." if `layered`.
  bool layered;
  std::string text;
  std::vector<uint32_t> layers;
};

/// Findings in the order of their first layer; those that differ in the layer alone are joined, since a model with 61
/// layers tends to have each problem 61 times.
class Findings {
public:
  void add(std::string_view id, std::string_view tensor, bool layered, uint32_t layer, std::string_view text) {
    auto same = [&](const Finding &finding) {
      return finding.id == id && finding.tensor == tensor && finding.layered == layered && finding.text == text;
    };
    auto found = layered ? std::find_if(all.begin(), all.end(), same) : all.end();
    if (found == all.end())
      found = all.insert(found, {std::string(id), std::string(tensor), layered, std::string(text), {}});
    found->layers.push_back(layer);
  }

  const std::vector<Finding> &list() const { return all; }

private:
  std::vector<Finding> all;
};

/// A form of a tensor that other files have instead, and which this version does not read.
struct OtherForm {
  std::string_view missing;
  std::string_view present;
  std::string_view remedy;
};

constexpr std::string_view kConvertAgain = "convert the model again with a current converter";
constexpr OtherForm kOtherForms[] = {
    {"attn_k_b.weight", "attn_kv_b.weight", kConvertAgain},
    {"attn_v_b.weight", "attn_kv_b.weight", kConvertAgain},
    {"attn_q_a.weight", "attn_q.weight", "models without query compression have no remedy yet"},
    {"ffn_gate_exps.weight", "ffn_gate_up_exps.weight", "convert the model again without fusing gate and up experts"},
    {"ffn_up_exps.weight", "ffn_gate_up_exps.weight", "convert the model again without fusing gate and up experts"},
    {"output.weight", "token_embd.weight", "models whose output shares the token embedding have no remedy yet"},
};

} // namespace

/// "3", "0-60", "0-2, 5".
static std::string layerRanges(const std::vector<uint32_t> &layers) {
  std::vector<std::string> ranges;
  for (size_t first = 0; first < layers.size();) {
    size_t last = first;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1)
      ++last;
    ranges.push_back(first == last ? fmt::format("{}", layers[first])
                                   : fmt::format("{}-{}", layers[first], layers[last]));
    first = last + 1;
  }
  return fmt::format("{}", fmt::join(ranges, ", "));
}

/// "tensor blk.3.attn_q_a.weight", or "tensors blk.*.attn_q_a.weight of layers 0-60".
static std::string place(const Finding &finding) {
  std::string name = escapeName(finding.tensor);
  if (!finding.layered)
    return "tensor " + name;
  if (finding.layers.size() == 1)
    return fmt::format("tensor blk.{}.{}", finding.layers.front(), name);
  return fmt::format("tensors blk.*.{} of layers {}", name, layerRanges(finding.layers));
}

static std::string describeMissing(const gguf::Model &model, const TensorSpec &spec, uint32_t layer) {
  for (const OtherForm &form : kOtherForms) {
    TensorSpec other = spec;
    other.name = form.present;
    if (form.missing == spec.name && model.findTensor(tensorName(other, layer)))
      return fmt::format("missing, and {} in its place is not supported by this version; {}", form.present,
                         form.remedy);
  }
  return fmt::format("missing; the file is incomplete: {}", kConvertAgain);
}

static void checkTensor(const gguf::Model &model, const TensorSpec &spec, uint32_t layer, bool checkShapes,
                        const ModelDescription &description, Findings &findings) {
  bool layered = spec.scope != TensorScope::Model;
  auto report = [&](std::string_view id, const std::string &text) {
    findings.add(id, spec.name, layered, layer, text);
  };
  const gguf::TensorInfo *tensor = model.findTensor(tensorName(spec, layer));
  if (!tensor)
    return report("G46", describeMissing(model, spec, layer));
  // The reader has refused encodings without any kernels already.
  if (spec.plain && tensor->encoding != Encoding::F32)
    report("G31", fmt::format("stored as {}, only F32 is supported here; convert the model again and keep it F32",
                              encodingInfo(tensor->encoding).name));
  std::vector<uint64_t> expected = spec.dimensions(description);
  if (checkShapes && tensor->dimensions != expected)
    report("G45", fmt::format("shape [{}], but the keys call for [{}]; the file is damaged or no deepseek2 model",
                              fmt::join(tensor->dimensions, ", "), fmt::join(expected, ", ")));
}

static void noteUnusedTensors(const gguf::Model &model, std::string_view file, ModelDescription &description) {
  Findings unused;
  for (const gguf::TensorInfo &tensor : model.tensors()) {
    std::optional<NamedTensor> named = parseTensorName(tensor.name);
    if (named && hasTensor(*named->spec, description, named->layer))
      continue;
    bool layered = named && named->spec->scope != TensorScope::Model;
    unused.add("", layered ? named->spec->name : std::string_view(tensor.name), layered, layered ? named->layer : 0,
               "not used by the model, ignored");
  }
  for (const Finding &finding : unused.list())
    description.notes.push_back(fmt::format("{}: {}: {}", file, place(finding), finding.text));
}

void checkTensors(const gguf::Model &model, std::string_view file, bool checkShapes, ModelDescription &description,
                  std::vector<Error> &errors) {
  Findings findings;
  for (const TensorSpec &spec : tensorTable()) {
    uint32_t layers = spec.scope == TensorScope::Model ? 1 : description.layers;
    for (uint32_t layer = 0; layer < layers; ++layer)
      if (hasTensor(spec, description, layer))
        checkTensor(model, spec, layer, checkShapes, description, findings);
  }
  for (const Finding &finding : findings.list())
    errors.push_back({ExitCode::Input, finding.id, fmt::format("{}: {}: {}", file, place(finding), finding.text)});
  noteUnusedTensors(model, file, description);
}

} // namespace strata
