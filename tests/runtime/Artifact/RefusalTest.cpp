// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One case for each way in which an artifact can say what cannot be: named by the id of the rule that refuses it.

#include "tests/runtime/Artifact/Refusal.h"

#include <algorithm>
#include <limits>

namespace strata::test {
namespace {

using schema::ArtifactT;
using schema::Operand;
using schema::OperandKind;
using schema::Operation;

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();

template <typename Enumeration> Enumeration unknown() {
  return static_cast<Enumeration>(99);
}

schema::ValueT &value(ArtifactT &artifact, size_t program, const std::string &name) {
  for (auto &each : artifact.programs[program]->values)
    if (each->name == name)
      return *each;
  throw std::out_of_range("no value " + name);
}
Operand operand(ArtifactT &artifact, size_t program, const std::string &name) {
  auto &values = artifact.programs[program]->values;
  for (uint32_t i = 0; i < values.size(); ++i)
    if (values[i]->name == name)
      return {OperandKind::value, i};
  throw std::out_of_range("no value " + name);
}
void moveTo(ArtifactT &artifact, size_t program, const std::string &name, const std::string &where) {
  value(artifact, program, name).offsets = value(artifact, program, where).offsets;
}
const Operand kNone{OperandKind::none, 0};
const Operand kKv{OperandKind::kv, 0};

const std::vector<RefusalCase> &cases() {
  static const std::vector<RefusalCase> all = {
      {"A09_NoTensors", "it has no tensors", [](ArtifactT &a) { a.tensors.clear(); }},
      {"A09_NoModelFiles", "it has no model files", [](ArtifactT &a) { a.model->files.clear(); }},
      {"A09_NoArenas", "it has no arenas", [](ArtifactT &a) { a.arenas.clear(); }},
      {"A09_ArenaMissing", "it has no prompt arena", [](ArtifactT &a) { a.arenas.erase(a.arenas.begin() + 3); }},
      {"A09_ArenaTwice", "the kv arena occurs twice",
       [](ArtifactT &a) { a.arenas.push_back(std::make_unique<schema::ArenaT>(*a.arenas[1])); }},
      {"A09_ArenaSizes", "the decode arena's byte list has 2 entries and not 3",
       [](ArtifactT &a) { a.arenas[2]->bytes.pop_back(); }},
      {"A09_LiveBytes", "the kv arena's list of live bytes has 3 entries and not 2",
       [](ArtifactT &a) { a.arenas[1]->live_bytes.push_back(1); }},
      {"A09_OneProgram", "one to decode and one for prompts", [](ArtifactT &a) { a.programs.pop_back(); }},
      {"A09_ProgramOrder", "one to decode and one for prompts",
       [](ArtifactT &a) { std::swap(a.programs[0], a.programs[1]); }},
      {"A09_NoBlocks", "it has no blocks in the decode program", [](ArtifactT &a) { a.programs[0]->blocks.clear(); }},
      {"A09_NoRuns", "it has no runs in the prompt program", [](ArtifactT &a) { a.programs[1]->runs.clear(); }},
      {"A09_NoValues", "it has no values in the decode program", [](ArtifactT &a) { a.programs[0]->values.clear(); }},
      {"A09_NoStages", "it has no stages in block dense",
       [](ArtifactT &a) { block(a, kDecode, kDenseBlock).stages.clear(); }},
      {"A09_NoDispatches", "it has no dispatches in a stage in block dense",
       [](ArtifactT &a) { block(a, kDecode, kDenseBlock).stages[0]->dispatches.clear(); }},
      {"A09_Offsets", "the offsets of value logits of the decode program has 2 entries and not 3",
       [](ArtifactT &a) { value(a, kDecode, "logits").offsets.pop_back(); }},
      {"A09_NoLogits", "has 0 values for logits",
       [](ArtifactT &a) { value(a, kDecode, "logits").role = schema::Role::intermediate; }},
      {"A09_TokensTwice", "has 2 values for tokens",
       [](ArtifactT &a) { value(a, kPrompt, "positions").role = schema::Role::tokens; }},

      {"A13_Activations", "the setting for activations when decoding has the value 99",
       [](ArtifactT &a) { a.settings->decode_activations = unknown<schema::ActivationEncoding>(); }},
      {"A13_PromptActivations", "the setting for activations in prompts has the value 99",
       [](ArtifactT &a) { a.settings->prompt_activations = unknown<schema::ActivationEncoding>(); }},
      {"A13_Kv", "the setting for the KV cache has the value 99",
       [](ArtifactT &a) { a.settings->kv = unknown<schema::KvEncoding>(); }},
      {"A13_TensorTier", "the tier of tensor token_embd.weight has the value 99",
       [](ArtifactT &a) { a.tensors[0]->tier = unknown<schema::Tier>(); }},
      {"A13_TensorEncoding", "the encoding of token_embd.weight has the value 4,",
       [](ArtifactT &a) { a.tensors[0]->encoding = 4; }},
      {"A13_ArenaDevice", "the device of an arena has the value 99",
       [](ArtifactT &a) { a.arenas[0]->device = unknown<schema::DeviceKind>(); }},
      {"A13_ArenaTier", "the tier of an arena has the value 99",
       [](ArtifactT &a) { a.arenas[0]->tier = unknown<schema::Tier>(); }},
      {"A13_Role", "the role of value queries", [](ArtifactT &a) {
         value(a, kDecode, "dense.queries").name = "queries";
         value(a, kDecode, "queries").role = unknown<schema::Role>();
       }},
      {"A13_Rows", "the rows of value dense.queries",
       [](ArtifactT &a) { value(a, kDecode, "dense.queries").rows = unknown<schema::Rows>(); }},
      {"A13_Element", "the element of value dense.queries",
       [](ArtifactT &a) { value(a, kDecode, "dense.queries").element = unknown<schema::Element>(); }},
      {"A13_StageRows", "the rows of a stage of block dense",
       [](ArtifactT &a) { block(a, kDecode, kDenseBlock).stages[0]->rows = unknown<schema::Rows>(); }},
      {"A13_Operation", "an operation of block embedding has the value 99",
       [](ArtifactT &a) {
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).operation = unknown<Operation>();
       }},
      {"A13_Form", "the form of embed",
       [](ArtifactT &a) { decodeDispatch(a, kEmbeddingBlock, Operation::embed).form = unknown<schema::Form>(); }},
      {"A13_Device", "the device of embed",
       [](ArtifactT &a) {
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).device = unknown<schema::DeviceKind>();
       }},
      {"A13_Operand", "the kind of an operand of embed",
       [](ArtifactT &a) {
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).reads[0] = Operand(unknown<OperandKind>(), 0);
       }},
      {"A13_Gate", "the gate of route",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->gate =
             unknown<schema::Gate>();
       }},
      {"A13_WeightEncoding", "the encoding of output.weight has the value 77",
       [](ArtifactT &a) { block(a, kDecode, kHeadBlock).weights[1]->encoding = 77; }},

      {"A17_TensorFile", "tensor token_embd.weight refers to model file 1 of 1",
       [](ArtifactT &a) { a.tensors[0]->file = 1; }},
      {"A17_ValueArena", "value tokens of the decode program refers to arena 5 of 5",
       [](ArtifactT &a) { value(a, kDecode, "tokens").arena = 5; }},
      {"A17_RunBlock", "refers to block 4 of 4", [](ArtifactT &a) { a.programs[0]->runs[3]->block = 4; }},
      {"A17_RunTensor", "refers to tensor 1000 of",
       [](ArtifactT &a) { a.programs[0]->runs[1]->tensors[2] = 1000; }},
      {"A17_RunTensorsMissing", "has 1 tensors for 1 layers of 2 weights",
       [](ArtifactT &a) { a.programs[0]->runs[3]->tensors.pop_back(); }},
      {"A17_OperandValue", "refers to value 4000 of",
       [](ArtifactT &a) {
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).writes[0] = Operand(OperandKind::value, 4000);
       }},
      {"A17_OperandWeight", "refers to weight 1 of 1",
       [](ArtifactT &a) {
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).reads[1] = Operand(OperandKind::weight, 1);
       }},

      {"A18_NoDimensions", "tensor token_embd.weight has 0 dimensions",
       [](ArtifactT &a) { a.tensors[0]->dimensions.clear(); }},
      {"A18_FourDimensions", "has 4 dimensions",
       [](ArtifactT &a) { a.tensors[0]->dimensions = {1, 1, kVocabulary, 64}; }},
      {"A18_DimensionZero", "has a dimension of 0", [](ArtifactT &a) { a.tensors[0]->dimensions[0] = 0; }},
      {"A18_DimensionsOverflow", "make no valid number of bytes in Q4_0",
       [](ArtifactT &a) { a.tensors[0]->dimensions = {kHuge / 2, kHuge - 31}; }},
      {"A18_NoWholeBlock", "make no valid number of bytes in Q4_0",
       [](ArtifactT &a) { a.tensors[0]->dimensions[1] = 65; }},
      {"A18_TensorBytes", "bytes and its dimensions make", [](ArtifactT &a) { a.tensors[0]->bytes += 1; }},
      {"A18_WeightDimensions", "weight output.weight has a dimension of 0",
       [](ArtifactT &a) { block(a, kDecode, kHeadBlock).weights[1]->dimensions[0] = 0; }},
      {"A18_NoColumns", "value dense.queries of the decode program has no columns",
       [](ArtifactT &a) { value(a, kDecode, "dense.queries").columns = 0; }},
      {"A18_ColumnsNoWholeBlock", "no whole number of blocks of 32",
       [](ArtifactT &a) { value(a, kDecode, "dense.attn_input").columns = 65; }},
      {"A18_ColumnsOverflow", "has more bytes than 64 bits count",
       [](ArtifactT &a) { value(a, kDecode, "dense.queries").columns = kHuge / 2; }},
      {"A18_FileBytes", "more than a file can have", [](ArtifactT &a) { a.model->files[0]->file_bytes = kHuge; }},

      {"A19_TensorBeyondFile", "reaches beyond its file's", [](ArtifactT &a) { a.tensors[0]->offset += 1 << 20; }},
      {"A19_TensorOffsetOverflow", "reaches beyond its file's",
       [](ArtifactT &a) { a.tensors[0]->offset = kHuge - 100; }},
      {"A19_TensorBeyondArena", "reaches beyond the weights arena's",
       [](ArtifactT &a) { a.tensors[0]->arena_offset = a.arenas[0]->bytes[0]; }},
      {"A19_TensorArenaOverflow", "reaches beyond the weights arena's",
       [](ArtifactT &a) { a.tensors[0]->arena_offset = kHuge - 63; }},
      {"A19_ValueBeyondArena", "value logits of the decode program (offset",
       [](ArtifactT &a) { value(a, kDecode, "logits").offsets[1] += 64; }},
      {"A19_ValueOffsetOverflow", "reaches beyond its arena's",
       [](ArtifactT &a) { value(a, kDecode, "logits").offsets[2] = kHuge - 63; }},
      {"A19_RowsBeyondArena", "reaches beyond its arena's", [](ArtifactT &a) { a.settings->chunk_tokens *= 4; }},
      {"A19_PromptRowsBeyondArena", "reaches beyond its arena's", [](ArtifactT &a) { a.settings->prompt_tokens *= 2; }},
      {"A19_KvBeyondArena", "for f32 and the cache does not fit", [](ArtifactT &a) { a.arenas[1]->bytes[1] -= 1; }},

      {"A20_Parameters", "has NoParameters and takes NormParameters",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::rms_norm).parameters.Set(schema::NoParametersT());
       }},
      {"A20_OperandMissing", "reads 1 and writes 1 operands and takes 2 and 1",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::rms_norm).reads.pop_back(); }},
      {"A20_ManyOperands", "has 25 operands",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::rms_norm).reads.resize(25); }},
      {"A20_OperandAbsent", "the input of rms_norm of block dense in the decode program is a none and must be a value",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::rms_norm).reads[0] = kNone; }},
      {"A20_OperandKind", "the weight of rms_norm of block dense in the decode program is a kv and must be a weight",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::rms_norm).reads[1] = kKv; }},
      {"A20_SharedExpertMissing", "the shared up of experts_gate_up",
       [](ArtifactT &a) { decodeDispatch(a, kExpertsBlock, Operation::experts_gate_up).reads[5] = kNone; }},
      {"A20_SharedExpertWidth", "is there and the shared expert's width is 0",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::experts_gate_up).parameters.AsExpertParameters()->shared_width = 0;
       }},
      {"A20_Form", "has the form for many columns",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::matmul).form = schema::Form::many; }},
      {"A20_NormColumns", "the weight of rms_norm",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::rms_norm).reads[1] = Operand(OperandKind::weight, 3); }},
      {"A20_MatmulColumns", "(blk.*.attn_q.weight) has dimensions [80, 64] that do not fit [N K]",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::matmul).reads[0] = operand(a, kDecode, "dense.hidden_q");
       }},
      {"A20_MatmulResult", "(dense.kv) has 40 columns and must have N = 80",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::matmul).writes[0] = operand(a, kDecode, "dense.kv");
       }},
      {"A20_Residual", "the residual of matmul",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::matmul).reads[2] = operand(a, kDecode, "residual");
       }},
      {"A20_Heads", "of head_matmul",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::head_matmul).parameters.AsHeadParameters()->heads = 4;
       }},
      {"A20_RopeColumns", "the queries of query_rope",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::query_rope).parameters.AsRopeParameters()->nope = 31;
       }},
      {"A20_Frequencies", "it has 3 frequencies for 8 rotated numbers",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::query_rope).parameters.AsRopeParameters()->frequencies.pop_back();
       }},
      {"A20_KvFrequencies", "it has 5 frequencies for 8 rotated numbers",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::kv_append)
             .parameters.AsKvAppendParameters()
             ->frequencies.push_back(1);
       }},
      {"A20_KvLatent", "of kv_append", [](ArtifactT &a) { a.kv->latent = 16; }},
      {"A20_Splits", "the splits of attention_splits",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::attention_splits)
             .parameters.AsAttentionParameters()
             ->split_positions = 128;
       }},
      {"A20_NoSplits", "the splits of attention_splits",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::attention_splits)
             .parameters.AsAttentionParameters()
             ->split_positions = 0;
       }},
      {"A20_SplitsNoWholeBlock", "its splits of 50 positions are no multiple of 64",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::attention_splits)
             .parameters.AsAttentionParameters()
             ->split_positions = 50;
       }},
      {"A20_AttentionHeads", "of attention ",
       [](ArtifactT &a) {
         dispatch(a, kPrompt, kDenseBlock, Operation::attention).parameters.AsAttentionParameters()->heads = 3;
       }},
      {"A20_RouteBias", "the bias of route",
       [](ArtifactT &a) {
         auto &route = decodeDispatch(a, kExpertsBlock, Operation::route);
         route.reads[1] = Operand(OperandKind::weight, 0);
       }},
      {"A20_RouteUsed", "the ids of route",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->experts_used = 3;
       }},
      {"A20_RouteGroups", "1 of 3 groups cannot be chosen among 4 experts",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->groups = 3;
       }},
      {"A20_RouteNoGroups", "1 of 0 groups cannot be chosen",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->groups = 0;
       }},
      {"A20_RouteGroupsUsed", "3 of 2 groups cannot be chosen",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->groups_used = 3;
       }},
      {"A20_RouteSmallGroups", "its groups of 1 expert have no two scores",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::route).parameters.AsRouteParameters()->groups = 4;
       }},
      {"A20_ExpertCount", "the gate of experts_gate_up",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::experts_gate_up).parameters.AsExpertParameters()->experts = 8;
       }},
      {"A20_ExpertWidth", "of experts_down",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::experts_down).parameters.AsExpertParameters()->width = 64;
       }},
      {"A20_ExpertsHidden", "the hidden of experts",
       [](ArtifactT &a) { value(a, kPrompt, "experts.hidden").columns = 32; }},
      {"A20_ProductElement", "(dense.attn_norm) holds f32 and must hold activation",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::matmul).reads[0] = operand(a, kDecode, "dense.attn_norm");
       }},
      {"A20_RouterElement", "(experts.ffn_input) holds activation and must hold f32",
       [](ArtifactT &a) {
         for (auto &each : block(a, kDecode, kExpertsBlock).stages[0]->dispatches)
           if (each->operation == Operation::matmul && each->writes[0].index() == operand(a, kDecode, "experts.scores").index())
             each->reads[0] = operand(a, kDecode, "experts.ffn_input");
       }},
      {"A20_PositionsRole", "(tokens) has the role tokens and must have positions",
       [](ArtifactT &a) {
         decodeDispatch(a, kDenseBlock, Operation::query_rope).reads[1] = operand(a, kDecode, "tokens");
       }},
      {"A20_InputOverwritten", "(positions) has the role positions and must have intermediate",
       [](ArtifactT &a) {
         auto &route = decodeDispatch(a, kExpertsBlock, Operation::route);
         route.writes[0] = operand(a, kDecode, "positions");
         value(a, kDecode, "experts.weights").columns = 1;
         route.parameters.AsRouteParameters()->experts_used = 1;
       }},
      {"A20_TokensColumns", "value tokens of the decode program has 2 columns of i32",
       [](ArtifactT &a) { value(a, kDecode, "tokens").columns = 2; }},
      {"A20_LogitsColumns", "value logits of the decode program has 40 columns of f32",
       [](ArtifactT &a) { a.model->vocabulary = 41; }},
      {"A20_Vocabulary", "the weight of embed",
       [](ArtifactT &a) {
         a.model->vocabulary = 32;
         value(a, kDecode, "logits").columns = value(a, kPrompt, "logits").columns = 32;
       }},
      {"A20_Unsupported", "(output_norm.weight) is in F64, and there are kernels for F32",
       [](ArtifactT &a) {
         for (auto &program : a.programs)
           program->blocks[kHeadBlock]->weights[0]->encoding = 28;
         for (auto &tensor : a.tensors)
           if (tensor->name == "output_norm.weight") {
             tensor->encoding = 28;
             tensor->bytes = 8 * tensor->dimensions[0];
           }
       }},
      {"A20_OtherTensor", "the weight output.weight of layer 0 is bound to tensor output_norm.weight",
       [](ArtifactT &a) { a.programs[0]->runs[3]->tensors[1] = a.programs[0]->runs[3]->tensors[0]; }},
      {"A20_OtherLayer", "the weight blk.1.attn_norm.weight of layer 1 is bound to tensor blk.0.attn_norm.weight",
       [](ArtifactT &a) { a.programs[0]->runs[2]->tensors[0] = a.programs[0]->runs[1]->tensors[0]; }},
      {"A20_TensorShape", "tensor output.weight has not the encoding and the dimensions",
       [](ArtifactT &a) { block(a, kDecode, kHeadBlock).weights[1]->dimensions = {kVocabulary, 32}; }},
      {"A20_StageRows", "a stage of block dense in the decode program runs over chunk rows",
       [](ArtifactT &a) { block(a, kDecode, kDenseBlock).stages[0]->rows = schema::Rows::chunk; }},
      {"A20_ValueRows", "which a prompt stage does not see",
       [](ArtifactT &a) { block(a, kPrompt, kDenseBlock).stages[0]->rows = schema::Rows::prompt; }},
      {"A20_ScratchRows", "the hidden of experts of block experts in the prompt program has prompt rows",
       [](ArtifactT &a) {
         auto &experts = dispatch(a, kPrompt, kExpertsBlock, Operation::experts);
         auto copy = std::make_unique<schema::ValueT>(value(a, kPrompt, "experts.routed_sum"));
         copy->name = "wide";
         a.programs[kPrompt]->values.push_back(std::move(copy));
         experts.reads[12] = experts.writes[3] = operand(a, kPrompt, "wide");
       }},

      {"A20_OtherDevice", "runs on another device than its memory is on",
       [](ArtifactT &a) { decodeDispatch(a, kEmbeddingBlock, Operation::embed).device = schema::DeviceKind::gpu; }},
      {"A21_ReadBeforeWrite", "reads dense.attn_input (input) before it is written",
       [](ArtifactT &a) {
         auto &dispatches = block(a, kDecode, kDenseBlock).stages[0]->dispatches;
         std::swap(dispatches[1], dispatches[2]);
       }},
      {"A21_ResidualBeforeEmbedding", "reads residual",
       [](ArtifactT &a) {
         // The embedding goes elsewhere.
         auto other = std::make_unique<schema::ValueT>(value(a, kDecode, "dense.attn_norm"));
         other->name = "other";
         a.programs[kDecode]->values.push_back(std::move(other));
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).writes[0] = operand(a, kDecode, "other");
       }},
      {"A21_FromAnotherBlock", "reads dense.attn_norm (input) before it is written",
       [](ArtifactT &a) {
         decodeDispatch(a, kExpertsBlock, Operation::quantise).reads[0] = operand(a, kDecode, "dense.attn_norm");
       }},
      {"A21_CacheBeforeAppend", "reads the cache before the block has appended to it",
       [](ArtifactT &a) {
         auto &dispatches = block(a, kPrompt, kDenseBlock).stages[0]->dispatches;
         for (size_t i = 0; i + 1 < dispatches.size(); ++i)
           if (dispatches[i]->operation == Operation::kv_append)
             std::swap(dispatches[i], dispatches[i + 1]);
       }},
      {"A21_ChunkValueInALaterStage", "reads experts.ffn_norm",
       [](ArtifactT &a) {
         // A chunk's row is gone when the next stage begins.
         auto &stages = block(a, kPrompt, kExpertsBlock).stages;
         auto &first = stages[0]->dispatches;
         auto second = std::make_unique<schema::StageT>();
         second->rows = schema::Rows::chunk;
         for (size_t i = first.size() - 3; i < first.size(); ++i)
           second->dispatches.push_back(std::move(first[i]));
         first.resize(first.size() - 3);
         stages.insert(stages.begin() + 1, std::move(second));
       }},
      {"A21_IdsNotRouted", "were not made by a route over as many experts",
       [](ArtifactT &a) {
         // A second route, over two numbers, writes the same ids.
         auto few = std::make_unique<schema::ValueT>(value(a, kDecode, "experts.scores"));
         few->name = "few";
         few->columns = 2;
         a.programs[kDecode]->values.push_back(std::move(few));
         auto again = std::make_unique<schema::DispatchT>(decodeDispatch(a, kExpertsBlock, Operation::route));
         again->reads = {operand(a, kDecode, "few"), kNone};
         again->parameters.AsRouteParameters()->groups = 1;
         auto sum = std::make_unique<schema::DispatchT>();
         sum->operation = Operation::add;
         sum->parameters.Set(schema::NoParametersT());
         sum->reads = {operand(a, kDecode, "experts.weights"), operand(a, kDecode, "experts.weights")};
         sum->writes = {operand(a, kDecode, "few")};
         auto &dispatches = block(a, kDecode, kExpertsBlock).stages[0]->dispatches;
         auto after = std::find_if(dispatches.begin(), dispatches.end(), [](const auto &each) {
                        return each->operation == Operation::route;
                      }) + 1;
         after = dispatches.insert(after, std::move(sum)) + 1;
         dispatches.insert(after, std::move(again));
       }},
      {"A21_InputIsResult", "must not be the same value",
       [](ArtifactT &a) {
         auto &norm = decodeDispatch(a, kDenseBlock, Operation::rms_norm);
         norm.writes[0] = norm.reads[0];
       }},
      {"A21_TwoResults", "are the same value",
       [](ArtifactT &a) {
         auto &rope = decodeDispatch(a, kDenseBlock, Operation::query_rope);
         auto narrow = std::make_unique<schema::ValueT>(value(a, kDecode, "dense.queries"));
         narrow->name = "narrow";
         narrow->columns = 2 * (8 + 8);
         a.programs[kDecode]->values.push_back(std::move(narrow));
         rope.parameters.AsRopeParameters()->nope = 8;
         rope.reads[0] = operand(a, kDecode, "narrow");
         rope.writes[0] = rope.writes[1];
       }},
      {"A21_ScratchIsAnother", "must be the same value",
       [](ArtifactT &a) {
         auto &experts = dispatch(a, kPrompt, kExpertsBlock, Operation::experts);
         auto copy = std::make_unique<schema::ValueT>(value(a, kPrompt, "experts.routed_sum"));
         copy->name = "other";
         a.programs[kPrompt]->values.push_back(std::move(copy));
         experts.reads[10] = operand(a, kPrompt, "other");
       }},
      {"A21_ScratchIsResult", "must not be the same value",
       [](ArtifactT &a) {
         auto &experts = dispatch(a, kPrompt, kExpertsBlock, Operation::experts);
         experts.writes[0] = experts.writes[1];
       }},
      {"A21_NoLogits", "value logits of the decode program is not written in the last run",
       [](ArtifactT &a) { block(a, kDecode, kHeadBlock).stages[0]->dispatches.pop_back(); }},
      {"A21_EarlyOutputStage", "has an output stage before its last run",
       [](ArtifactT &a) { block(a, kPrompt, kDenseBlock).stages[0]->rows = schema::Rows::output; }},

      {"A22_Context", "the context is 0 and must be from 1 to", [](ArtifactT &a) { a.settings->context = 0; }},
      {"A22_ContextTooLong", "the context is 4294967295 and must be from 1 to 2147483647",
       [](ArtifactT &a) { a.settings->context = 4294967295u; }},
      {"A22_ContextAndCache", "the KV cache has 4 blocks for each sequence and must have 5",
       [](ArtifactT &a) { a.settings->context = 257; }},
      {"A22_Sequences", "the number of sequences is 0", [](ArtifactT &a) { a.settings->sequences = 0; }},
      {"A22_SequencesAndCache", "the KV cache has 12 blocks and must have 16",
       [](ArtifactT &a) { a.settings->sequences = 4; }},
      {"A22_PromptTokens", "the number of prompt tokens is 0", [](ArtifactT &a) { a.settings->prompt_tokens = 0; }},
      {"A22_ChunkTokens", "the number of chunk tokens is 0", [](ArtifactT &a) { a.settings->chunk_tokens = 0; }},
      {"A22_ReadDepth", "the number of reads at one time is 4097 and may be 4096",
       [](ArtifactT &a) { a.machine->read_depth = 4097; }},
      {"A22_BlockPositions", "32 positions in a block and must have 64",
       [](ArtifactT &a) { a.kv->block_positions = 32; }},
      {"A22_NoLatent", "the KV cache's latent size is 0", [](ArtifactT &a) { a.kv->latent = 0; }},
      {"A22_NoRope", "the KV cache's rotated size is 0", [](ArtifactT &a) { a.kv->rope = 0; }},
      {"A22_KvLayers", "the KV cache has 1 layers and must have 2", [](ArtifactT &a) { a.kv->layers = 1; }},
      {"A22_TooManyLayers", "the number of layers is 5000",
       [](ArtifactT &a) { a.kv->layers = a.model->layers = 5000; }},
      {"A22_LayerTwice", "runs 1 layers from layer 0 on where layer 1 of 2 is next",
       [](ArtifactT &a) { a.programs[0]->runs[2]->first_layer = 0; }},
      {"A22_LayersBeyond", "runs 4294967295 layers from layer 1 on",
       [](ArtifactT &a) { a.programs[0]->runs[2]->layers = 4294967295u; }},
      {"A22_LayerMissing", "the prompt program runs 1 of 2 layers",
       [](ArtifactT &a) { a.programs[1]->runs.erase(a.programs[1]->runs.begin() + 2); }},
      {"A22_NoBeginning", "must begin and end with a run that is no layer's",
       [](ArtifactT &a) { a.programs[0]->runs[0]->per_layer = true; }},
      {"A07_BlocksWithoutRuns", "has 5 blocks for 4 runs",
       [](ArtifactT &a) {
         auto &blocks = a.programs[0]->blocks;
         blocks.push_back(std::make_unique<schema::BlockT>(*blocks[0]));
       }},

      {"A23_ValueAlignment", "begins at byte 100, no multiple of 64",
       [](ArtifactT &a) { value(a, kDecode, "dense.queries").offsets[0] = 100; }},
      {"A23_ValueArena", "value tokens of the decode program is in the weights arena and belongs in the decode arena",
       [](ArtifactT &a) { value(a, kDecode, "tokens").arena = 0; }},
      {"A23_TensorAlignment", "tensor token_embd.weight begins at byte 32 of its arena",
       [](ArtifactT &a) { a.tensors[0]->arena_offset = 32; }},
      {"A23_TensorTier", "tensor token_embd.weight is planned for the tier disk",
       [](ArtifactT &a) { a.tensors[0]->tier = schema::Tier::disk; }},
      {"A23_ArenaTier", "the weights arena is planned for the tier gpu",
       [](ArtifactT &a) { a.arenas[0]->tier = schema::Tier::gpu; }},

      {"A24_Values", "and dense.queries live at the same time in block dense",
       [](ArtifactT &a) { moveTo(a, kDecode, "dense.queries", "dense.attn_input"); }},
      {"A24_OneSetting", "share bytes with f32 activations",
       [](ArtifactT &a) {
         value(a, kDecode, "dense.queries").offsets[2] = value(a, kDecode, "dense.attn_input").offsets[2];
       }},
      {"A24_Residual", "live at the same time in block dense",
       [](ArtifactT &a) { moveTo(a, kDecode, "dense.queries", "residual"); }},
      {"A24_Inputs", "value tokens of the prompt program and positions live at the same time",
       [](ArtifactT &a) { moveTo(a, kPrompt, "positions", "tokens"); }},
      // Written at a chunk stage's end and read at its beginning for the next chunk: both last all of the stage.
      {"A24_AcrossChunks", "live at the same time in block experts",
       [](ArtifactT &a) { moveTo(a, kPrompt, "experts.ids", "experts.ffn_input"); }},
      {"A24_Scratch", "live at the same time in block experts",
       [](ArtifactT &a) { moveTo(a, kPrompt, "experts.rows", "experts.ids"); }},
      {"A24_Tensors", "share bytes of the weights arena",
       [](ArtifactT &a) { a.tensors[3]->arena_offset = a.tensors[2]->arena_offset; }},

      {"A29_Ram", "more than the 1000 bytes of ram that it declares",
       [](ArtifactT &a) { a.prediction->ram_bytes = 1000; }},
      {"A26_WaitInOneTier", "moves data between tiers, and all is in one",
       [](ArtifactT &a) {
         auto wait = std::make_unique<schema::DispatchT>();
         wait->operation = schema::Operation::wait;
         wait->parameters.Set(schema::EventParametersT());
         auto &dispatches = block(a, kDecode, kDenseBlock).stages[0]->dispatches;
         dispatches.insert(dispatches.begin(), std::move(wait));
       }},
      {"A09_ExpertsArenaInOneTier", "it has an arena of kind experts, and all its experts are in one tier",
       [](ArtifactT &a) {
         a.arenas.push_back(std::make_unique<schema::ArenaT>(*a.arenas[0]));
         a.arenas.back()->kind = schema::ArenaKind::experts;
         a.arenas.back()->bytes = a.arenas.back()->live_bytes = {0};
       }},
      {"A23_DiskInOneTier", "planned for the tier disk",
       [](ArtifactT &a) { a.tensors[0]->tier = schema::Tier::disk; }},
      {"A29_Overflow", "more than 64 bits count bytes",
       [](ArtifactT &a) { a.arenas[0]->bytes[0] = a.arenas[1]->bytes[0] = kHuge; }},

      {"A31_TensorName", "the name of a tensor has 257 bytes",
       [](ArtifactT &a) { a.tensors[0]->name = std::string(257, 'x'); }},
      {"A31_NotUtf8", "the name of a tensor is not UTF-8: to\\xffken",
       [](ArtifactT &a) { a.tensors[0]->name = "to\xFFken"; }},
      {"A31_BlockName", "the name of a block is not UTF-8",
       [](ArtifactT &a) { block(a, kPrompt, kDenseBlock).name = "\xC0\x80"; }},
      {"A31_ValueName", "the name of a value has 300 bytes",
       [](ArtifactT &a) { value(a, kDecode, "logits").name = std::string(300, 'v'); }},
      {"A31_WeightName", "the name of a weight is not UTF-8",
       [](ArtifactT &a) { block(a, kDecode, kHeadBlock).weights[0]->name = "\xED\xA0\x80"; }},
      {"A31_Location", "the name of a dispatch is not UTF-8",
       [](ArtifactT &a) { decodeDispatch(a, kDenseBlock, Operation::matmul).location = "\x80"; }},
      {"A31_ModelName", "the name of a model is not UTF-8", [](ArtifactT &a) { a.model->name = "\xF5"; }},
      {"A31_FileName", "the name of a model file is not UTF-8", [](ArtifactT &a) { a.model->files[0]->name = "\xFE"; }},
  };
  return all;
}

class ArtifactRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(ArtifactRefusal, IsRefused) {
  expectRefused(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Cases, ArtifactRefusal, testing::ValuesIn(cases()),
                         [](const auto &info) { return info.param.name; });

/// flatc's object API cannot write a union of an unknown type, and flatbuffers' verifier takes it for valid.
TEST(ArtifactUnion, A13_UnknownParameters) {
  std::vector<std::byte> payload = packArtifact(TestModel().artifact());
  const schema::Artifact *root = schema::GetArtifact(payload.data());
  const schema::Dispatch *first = root->programs()->Get(0)->blocks()->Get(0)->stages()->Get(0)->dispatches()->Get(0);
  const auto *table = reinterpret_cast<const flatbuffers::Table *>(first);
  auto *type = const_cast<uint8_t *>(table->GetAddressOf(schema::Dispatch::VT_PARAMETERS_TYPE));
  for (uint8_t unknownType : {0, 11, 255}) {
    *type = unknownType;
    auto loaded = LoadedArtifact::load(wrapPayload(payload), "bad.strata");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().id, "A13") << loaded.error().message;
    EXPECT_THAT(loaded.error().message, testing::HasSubstr("the parameters of embed"));
  }
}

} // namespace
} // namespace strata::test
