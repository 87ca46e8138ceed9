// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The whole artifact as JSON, with the schema's names. Indices of the schema become names where there is one.
#include "tools/dump/Dump.h"

#include <nlohmann/json.hpp>

namespace strata {

namespace {

using Json = nlohmann::ordered_json;

std::string string(const flatbuffers::String *text) {
  return text ? text->str() : "";
}

/// A vector of tables, each through `convert`; an absent one is empty.
template <typename Table, typename Convert>
Json array(const flatbuffers::Vector<flatbuffers::Offset<Table>> *tables, Convert convert) {
  Json result = Json::array();
  if (tables)
    for (const Table *table : *tables)
      result.push_back(convert(*table));
  return result;
}

template <typename Number> Json numbers(const flatbuffers::Vector<Number> &vector) {
  return std::vector<Number>(vector.begin(), vector.end());
}

Json model(const schema::Model &model) {
  const auto &digest = *model.fingerprint()->bytes();
  Json defaults = Json::array();
  if (model.defaults())
    for (const flatbuffers::String *sentence : *model.defaults())
      defaults.push_back(sentence->str());
  return {{"path", string(model.path())},
          {"fingerprint", fmt::format("{:02x}", fmt::join(digest.begin(), digest.end(), ""))},
          {"files", array(model.files(),
                          [](const schema::ModelFile &file) {
                            return Json{{"name", string(file.name())},
                                        {"header_bytes", file.header_bytes()},
                                        {"file_bytes", file.file_bytes()}};
                          })},
          {"name", string(model.name())},
          {"architecture", string(model.architecture())},
          {"layers", model.layers()},
          {"dense_layers", model.dense_layers()},
          {"embedding", model.embedding()},
          {"vocabulary", model.vocabulary()},
          {"heads", model.heads()},
          {"latent", model.latent()},
          {"rope", model.rope()},
          {"nope", model.nope()},
          {"value", model.value()},
          {"experts", model.experts()},
          {"experts_used", model.experts_used()},
          {"shared_experts", model.shared_experts()},
          {"expert_groups", model.expert_groups()},
          {"expert_groups_used", model.expert_groups_used()},
          {"context_length", model.context_length()},
          {"defaults", std::move(defaults)}};
}

Json settings(const schema::Settings &settings) {
  return {{"context", settings.context()},
          {"sequences", settings.sequences()},
          {"prompt_tokens", settings.prompt_tokens()},
          {"chunk_tokens", settings.chunk_tokens()},
          {"decode_activations", schema::EnumNameActivationEncoding(settings.decode_activations())},
          {"prompt_activations", schema::EnumNameActivationEncoding(settings.prompt_activations())},
          {"kv", schema::EnumNameKvEncoding(settings.kv())}};
}

Json tensor(const schema::Tensor &tensor) {
  return {{"name", string(tensor.name())},
          {"file", tensor.file()},
          {"offset", tensor.offset()},
          {"bytes", tensor.bytes()},
          {"encoding", dump::encoding(tensor.encoding())},
          {"dimensions", numbers(*tensor.dimensions())},
          {"tier", schema::EnumNameTier(tensor.tier())},
          {"arena_offset", tensor.arena_offset()},
          {"repack", tensor.repack()}};
}

Json kernel(const schema::Kernel &kernel) {
  return {{"name", string(kernel.name())},
          {"parameters", kernel.parameters()},
          {"threads", kernel.threads()},
          {"grid_x", kernel.grid_x()},
          {"rows_per_cta", kernel.rows_per_cta()},
          {"dynamic_shared_bytes", kernel.dynamic_shared_bytes()},
          {"group", kernel.group()},
          {"per_row", kernel.per_row()},
          {"segment_rows", kernel.segment_rows()},
          {"registers", kernel.registers()},
          {"shared_bytes", kernel.shared_bytes()},
          {"stack_bytes", kernel.stack_bytes()},
          {"source_bytes", kernel.source()->size()},
          {"ptx_bytes", kernel.ptx()->size()},
          {"cubin_bytes", kernel.cubin()->size()}};
}

Json arena(const schema::Arena &arena) {
  return {{"kind", schema::EnumNameArenaKind(arena.kind())},
          {"device", schema::EnumNameDeviceKind(arena.device())},
          {"tier", schema::EnumNameTier(arena.tier())},
          {"bytes", numbers(*arena.bytes())},
          {"live_bytes", numbers(*arena.live_bytes())}};
}

Json kvLayout(const schema::KvLayout &kv) {
  return {{"block_positions", kv.block_positions()},
          {"blocks", kv.blocks()},
          {"blocks_per_sequence", kv.blocks_per_sequence()},
          {"latent", kv.latent()},
          {"rope", kv.rope()},
          {"layers", kv.layers()},
          {"gpu_layers", kv.gpu_layers()}};
}

Json operands(const flatbuffers::Vector<const schema::Operand *> &operands) {
  Json result = Json::array();
  for (const schema::Operand *operand : operands)
    result.push_back({{"kind", schema::EnumNameOperandKind(operand->kind())}, {"index", operand->index()}});
  return result;
}

Json parameters(const schema::Dispatch &dispatch) {
  if (const auto *norm = dispatch.parameters_as_NormParameters())
    return {{"epsilon", norm->epsilon()}};
  if (const auto *rope = dispatch.parameters_as_RopeParameters())
    return {{"heads", rope->heads()},
            {"nope", rope->nope()},
            {"frequencies", numbers(*rope->frequencies())},
            {"magnitude", rope->magnitude()}};
  if (const auto *append = dispatch.parameters_as_KvAppendParameters())
    return {{"epsilon", append->epsilon()},
            {"frequencies", numbers(*append->frequencies())},
            {"magnitude", append->magnitude()}};
  if (const auto *attention = dispatch.parameters_as_AttentionParameters())
    return {{"heads", attention->heads()},
            {"scale", attention->scale()},
            {"split_positions", attention->split_positions()}};
  if (const auto *heads = dispatch.parameters_as_HeadParameters())
    return {{"heads", heads->heads()}};
  if (const auto *route = dispatch.parameters_as_RouteParameters())
    return {{"gate", schema::EnumNameGate(route->gate())},
            {"groups", route->groups()},
            {"groups_used", route->groups_used()},
            {"experts_used", route->experts_used()},
            {"scale", route->scale()},
            {"normalise", route->normalise()}};
  if (const auto *event = dispatch.parameters_as_EventParameters())
    return {{"event", event->event()}};
  if (const auto *stream = dispatch.parameters_as_StreamParameters())
    return {{"ring", stream->ring()}, {"staging", stream->staging()}};
  if (const auto *experts = dispatch.parameters_as_ExpertParameters())
    return {{"experts", experts->experts()},
            {"experts_used", experts->experts_used()},
            {"width", experts->width()},
            {"shared_width", experts->shared_width()}};
  return Json::object();
}

Json dispatch(const schema::Dispatch &dispatch) {
  return {{"operation", schema::EnumNameOperation(dispatch.operation())},
          {"form", schema::EnumNameForm(dispatch.form())},
          {"device", schema::EnumNameDeviceKind(dispatch.device())},
          {"reads", operands(*dispatch.reads())},
          {"writes", operands(*dispatch.writes())},
          {"parameters", parameters(dispatch)},
          {"kernels", dispatch.kernels() ? numbers(*dispatch.kernels()) : Json::array()},
          {"location", string(dispatch.location())}};
}

Json block(const schema::Block &block) {
  return {{"name", string(block.name())},
          {"weights", array(block.weights(),
                            [](const schema::WeightSlot &slot) {
                              return Json{{"name", string(slot.name())},
                                          {"encoding", dump::encoding(slot.encoding())},
                                          {"dimensions", numbers(*slot.dimensions())}};
                            })},
          {"stages", array(block.stages(), [](const schema::Stage &stage) {
             return Json{{"rows", schema::EnumNameRows(stage.rows())},
                         {"dispatches", array(stage.dispatches(), dispatch)}};
           })}};
}

Json value(const schema::Value &value) {
  return {{"name", string(value.name())},
          {"role", schema::EnumNameRole(value.role())},
          {"rows", schema::EnumNameRows(value.rows())},
          {"element", schema::EnumNameElement(value.element())},
          {"columns", value.columns()},
          {"arena", value.arena()},
          {"offsets", numbers(*value.offsets())}};
}

Json run(const schema::Run &run) {
  return {{"block", run.block()},
          {"first_layer", run.first_layer()},
          {"layers", run.layers()},
          {"per_layer", run.per_layer()},
          {"tensors", run.tensors() ? numbers(*run.tensors()) : Json::array()}};
}

Json program(const schema::Program &program) {
  return {{"phase", schema::EnumNamePhase(program.phase())},
          {"values", array(program.values(), value)},
          {"blocks", array(program.blocks(), block)},
          {"runs", array(program.runs(), run)}};
}

/// [[first, last], ...]
Json ranges(const flatbuffers::Vector<const schema::ExpertRange *> *set) {
  Json result = Json::array();
  for (flatbuffers::uoffset_t index = 0; set && index < set->size(); ++index)
    result.push_back({set->Get(index)->first(), set->Get(index)->last()});
  return result;
}

Json layerExperts(const schema::LayerExperts &line) {
  return {{"first_layer", line.first_layer()},
          {"layers", line.layers()},
          {"experts", line.experts()},
          {"gpu", ranges(line.gpu())},
          {"ram", ranges(line.ram())},
          {"disk", ranges(line.disk())},
          {"pinned", ranges(line.pinned())},
          {"slots", line.slots()},
          {"policy", schema::EnumNameCachePolicy(line.policy())},
          {"decode_gpu", ranges(line.decode_gpu())},
          {"prompt_gpu", ranges(line.prompt_gpu())}};
}

Json budget(const schema::TierBudget &tier) {
  return {{"tier", schema::EnumNameTier(tier.tier())},
          {"bytes", tier.bytes()},
          {"reserved", tier.reserved()},
          {"head_room", tier.head_room()}};
}

Json estimate(const schema::TokenEstimate *token) {
  if (!token)
    return nullptr;
  return {{"hit_rate", token->hit_rate()},
          {"gpu_expert_bytes", token->gpu_expert_bytes()},
          {"ram_expert_bytes", token->ram_expert_bytes()},
          {"disk_expert_bytes", token->disk_expert_bytes()},
          {"gpu_dense_bytes", token->gpu_dense_bytes()},
          {"ram_dense_bytes", token->ram_dense_bytes()},
          {"seconds", token->seconds()},
          {"bottleneck", string(token->bottleneck())}};
}

Json promptEstimate(const schema::PromptEstimate &prompt) {
  return {{"tokens", prompt.tokens()},
          {"passes", prompt.passes()},
          {"disk_bytes", prompt.disk_bytes()},
          {"seconds", prompt.seconds()}};
}

Json prediction(const schema::Prediction &prediction) {
  return {{"classes", array(prediction.classes(),
                            [](const schema::TensorClass &row) {
                              return Json{{"name", string(row.name())},
                                          {"tensors", row.tensors()},
                                          {"parameters", row.parameters()},
                                          {"bytes", row.bytes()}};
                            })},
          {"weight_bytes", prediction.weight_bytes()},
          {"expert_bytes", prediction.expert_bytes()},
          {"bytes_per_token", prediction.bytes_per_token()},
          {"kv_bytes_per_token", prediction.kv_bytes_per_token()},
          {"ram_bytes", prediction.ram_bytes()},
          {"uniform", estimate(prediction.uniform())},
          {"expected", estimate(prediction.expected())},
          {"prompts", array(prediction.prompts(), promptEstimate)},
          {"load_seconds", prediction.load_seconds()}};
}

} // namespace

std::string dumpJson(const LoadedArtifact &artifact) {
  const schema::Artifact &root = artifact.root();
  const schema::Machine &machine = *root.machine();
  Json json = {{"compiler_version", string(root.compiler_version())},
               {"command_line", string(root.command_line())},
               {"model", model(*root.model())},
               {"machine",
                {{"name", string(machine.name())},
                 {"cores", machine.cores()},
                 {"ram_bytes", machine.ram_bytes()},
                 {"read_depth", machine.read_depth()},
                 {"json", string(machine.json())}}},
               {"settings", settings(*root.settings())},
               {"tensors", array(root.tensors(), tensor)},
               {"arenas", array(root.arenas(), arena)},
               {"kv", kvLayout(*root.kv())},
               {"worker_scratch_bytes", root.worker_scratch_bytes()},
               {"programs", array(root.programs(), program)},
               {"prediction", prediction(*root.prediction())},
               {"kernels", array(root.kernels(), kernel)},
               {"experts", array(root.experts(), layerExperts)},
               {"budgets", array(root.budgets(), budget)},
               {"plan_text", string(root.plan_text())}};
  // The loader has checked that names are UTF-8; the long texts need not be.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace strata
