// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The summary: what was compiled, for what, and what it needs.
#include "tools/dump/Dump.h"

#include <algorithm>
#include <iterator>

namespace strata {

namespace {

using Text = std::back_insert_iterator<std::string>;

void writeModel(Text out, const schema::Model &model) {
  fmt::format_to(out, "{}", dump::banner("Model"));
  fmt::format_to(out, "{}: {}, {} layers, {} of them dense, embedding {}, vocabulary {}, trained for {} positions\n",
                 model.name() ? dump::name(model.name()) : "(no name)", dump::name(model.architecture()),
                 model.layers(), model.dense_layers(), model.embedding(), model.vocabulary(), model.context_length());
  fmt::format_to(out, "attention: {} heads, latent {}, rope {}, nope {}, value {}\n", model.heads(), model.latent(),
                 model.rope(), model.nope(), model.value());
  fmt::format_to(out, "experts: {} of {}, {} shared, groups {} of {}\n", model.experts_used(), model.experts(),
                 model.shared_experts(), model.expert_groups_used(), model.expert_groups());
  for (const schema::ModelFile *file : *model.files())
    fmt::format_to(out, "file {}: {} bytes, {} of them header\n", dump::name(file->name()),
                   dump::thousands(file->file_bytes()), dump::thousands(file->header_bytes()));
  fmt::format_to(out, "fingerprint {:02x}\n",
                 fmt::join(model.fingerprint()->bytes()->begin(), model.fingerprint()->bytes()->end(), ""));
  if (model.defaults())
    for (const flatbuffers::String *sentence : *model.defaults())
      fmt::format_to(out, "default: {}\n", dump::name(sentence));
}

void writeOrigin(Text out, const schema::Artifact &artifact) {
  const schema::Machine &machine = *artifact.machine();
  const schema::Settings &settings = *artifact.settings();
  fmt::format_to(out, "{}", dump::banner("Compiled"));
  fmt::format_to(out, "by strata {}: {}\n", dump::name(artifact.compiler_version()),
                 dump::name(artifact.command_line()));
  fmt::format_to(out, "for {}: {} cores, {} of RAM\n", dump::name(machine.name()), machine.cores(),
                 machine.ram_bytes() ? dump::bytes(machine.ram_bytes()) : "an unknown amount");
  if (machine.read_depth() != 0)
    fmt::format_to(out, "experts are read from its disk with {} reads at one time\n", machine.read_depth());
  fmt::format_to(out, "settings: context {}, sequences {}, prompt tokens {}, chunk tokens {}\n", settings.context(),
                 settings.sequences(), settings.prompt_tokens(), settings.chunk_tokens());
  fmt::format_to(out, "activations {} when decoding, {} in prompts; KV cache {}\n",
                 schema::EnumNameActivationEncoding(settings.decode_activations()),
                 schema::EnumNameActivationEncoding(settings.prompt_activations()),
                 schema::EnumNameKvEncoding(settings.kv()));
}

void writeWeights(Text out, const schema::Prediction &prediction) {
  fmt::format_to(out, "{}", dump::banner("Weights"));
  fmt::format_to(out, "{:<24}{:>9}{:>20}{:>20}\n", "class", "tensors", "parameters", "bytes");
  for (const schema::TensorClass *row : *prediction.classes())
    fmt::format_to(out, "{:<24}{:>9}{:>20}{:>20}\n", dump::name(row->name()), row->tensors(),
                   dump::thousands(row->parameters()), dump::thousands(row->bytes()));
}

void writeArenas(Text out, const schema::Artifact &artifact) {
  fmt::format_to(out, "{}", dump::banner("Memory"));
  for (const schema::Arena *arena : *artifact.arenas()) {
    fmt::format_to(out, "{:<8}{:<6}{:<6}", schema::EnumNameArenaKind(arena->kind()),
                   schema::EnumNameDeviceKind(arena->device()), schema::EnumNameTier(arena->tier()));
    for (flatbuffers::uoffset_t index = 0; index < arena->bytes()->size(); ++index)
      fmt::format_to(out, "{:>20}", dump::thousands(arena->bytes()->Get(index)));
    fmt::format_to(out, "\n");
  }
  fmt::format_to(out, "(bytes for activations i8, i16 and f32; of kv for f16 and f32)\n");
  fmt::format_to(out, "scratch of a worker thread: {} bytes\n", dump::thousands(artifact.worker_scratch_bytes()));
}

std::string ranges(const flatbuffers::Vector<const schema::ExpertRange *> *set) {
  std::string text;
  for (flatbuffers::uoffset_t index = 0; set && index < set->size(); ++index) {
    const schema::ExpertRange &range = *set->Get(index);
    text += fmt::format("{}{}", text.empty() ? "" : ", ", range.first());
    if (range.last() != range.first())
      text += fmt::format(" to {}", range.last());
  }
  return text.empty() ? "none" : text;
}

/// True if the host computes the head beside a GPU, which computes experts.
bool hasHostLayers(const schema::Artifact &artifact) {
  bool onGpu = false;
  for (const schema::Arena *arena : *artifact.arenas())
    onGpu |= arena->device() == schema::DeviceKind::gpu;
  const schema::Program &program = *artifact.programs()->Get(0);
  for (const schema::Value *value : *program.values())
    if (value->role() == schema::Role::logits)
      return onGpu && artifact.arenas()->Get(value->arena())->device() == schema::DeviceKind::host;
  return false;
}

void writeTiers(Text out, const schema::Artifact &artifact) {
  if (artifact.budgets() && artifact.budgets()->size() != 0) {
    fmt::format_to(out, "{}", dump::banner("Tiers"));
    fmt::format_to(out, "{:<8}{:>20}{:>20}{:>20}\n", "tier", "bytes", "reserved", "head room");
    for (const schema::TierBudget *budget : *artifact.budgets())
      fmt::format_to(out, "{:<8}{:>20}{:>20}{:>20}\n", schema::EnumNameTier(budget->tier()),
                     budget->bytes() == 0 ? "unknown" : dump::thousands(budget->bytes()),
                     dump::thousands(budget->reserved()), dump::thousands(budget->head_room()));
  }
  if (!artifact.experts() || artifact.experts()->size() == 0)
    return;
  if (const schema::KvLayout &kv = *artifact.kv(); hasHostLayers(artifact))
    fmt::format_to(out, "the host computes the head and {} of {} layers{}\n", kv.layers() - kv.gpu_layers(),
                   kv.layers(), kv.gpu_layers() == kv.layers() ? "" : fmt::format(", from {} on", kv.gpu_layers()));
  fmt::format_to(out, "{}", dump::banner("Experts"));
  for (const schema::LayerExperts *line : *artifact.experts())
    fmt::format_to(
        out,
        "layers {} to {} of {}: gpu {}; ram {}; disk {}; pinned in ram {}, cache slots {} ({}); the gpu decodes {}, "
        "and in prompts {}\n",
        line->first_layer(), uint64_t{line->first_layer()} + line->layers() - 1, line->experts(), ranges(line->gpu()),
        ranges(line->ram()), ranges(line->disk()), ranges(line->pinned()), line->slots(),
        schema::EnumNameCachePolicy(line->policy()), ranges(line->decode_gpu()), ranges(line->prompt_gpu()));
}

void writePrograms(Text out, const schema::Artifact &artifact) {
  fmt::format_to(out, "{}", dump::banner("Programs"));
  for (const schema::Program *program : *artifact.programs()) {
    std::size_t dispatches = 0;
    for (const schema::Block *block : *program->blocks())
      for (const schema::Stage *stage : *block->stages())
        dispatches += stage->dispatches()->size();
    fmt::format_to(out, "{}: {} runs of {} blocks, {} dispatches, {} values\n", schema::EnumNamePhase(program->phase()),
                   program->runs()->size(), program->blocks()->size(), dispatches, program->values()->size());
  }
}

void writePrediction(Text out, const schema::Prediction &prediction) {
  fmt::format_to(out, "{}", dump::banner("Prediction"));
  auto line = [&](std::string_view what, uint64_t number) {
    fmt::format_to(out, "{:<32}{:>20}\n", what, dump::thousands(number));
  };
  line("bytes of weights", prediction.weight_bytes());
  line("bytes of one routed expert", prediction.expert_bytes());
  line("weight bytes read per token", prediction.bytes_per_token());
  line("KV bytes per token", prediction.kv_bytes_per_token());
  line("RAM needed, bytes", prediction.ram_bytes());
  auto token = [&](std::string_view what, const schema::TokenEstimate *estimate) {
    if (estimate)
      fmt::format_to(out, "{:<32}{:.3f} s, {:.1f} % hits, {:.3f} GB from disk; limit: {}\n", what, estimate->seconds(),
                     100 * estimate->hit_rate(), estimate->disk_expert_bytes() / 1e9,
                     dump::name(estimate->bottleneck()));
  };
  token("a token, uniform routing", prediction.uniform());
  token("a token, as expected", prediction.expected());
  if (prediction.prompts())
    for (const schema::PromptEstimate *prompt : *prediction.prompts())
      fmt::format_to(out, "{:<32}{:.3f} s in {} passes\n",
                     fmt::format("a prompt of {} tokens", dump::thousands(prompt->tokens())), prompt->seconds(),
                     prompt->passes());
}

} // namespace

std::string dumpSummary(const LoadedArtifact &artifact) {
  std::string text;
  Text out(text);
  const schema::Artifact &root = artifact.root();
  writeModel(out, *root.model());
  writeOrigin(out, root);
  writeWeights(out, *root.prediction());
  writeArenas(out, root);
  writeTiers(out, root);
  writePrograms(out, root);
  writePrediction(out, *root.prediction());
  return text;
}

std::string dumpPlan(const LoadedArtifact &artifact) {
  std::string text(artifact.root().plan_text()->c_str(), artifact.root().plan_text()->size());
  if (text.empty() || text.back() != '\n')
    text += '\n';
  return text;
}

} // namespace strata
