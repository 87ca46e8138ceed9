// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/runtime/Artifact/TestModel.h"

#include "runtime/Device/Host/Scratch.h"
#include "runtime/Schema/Envelope.h"
#include "runtime/Schema/SchemaHash.h"
#include "tests/runtime/Artifact/ProgramBuilder.h"
#include "tests/runtime/Weights/GgufBuilder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace strata::test {
namespace {

using schema::Element;
using schema::Operand;
using schema::Operation;
using schema::Role;
using schema::Rows;

constexpr uint32_t kEmbedding = 64, kHeads = 2, kNope = 32, kRope = 8, kLatent = 32, kValue = 32;
constexpr uint32_t kDense = 96, kExperts = 4, kExpertsUsed = 2, kWidth = 32, kSharedWidth = 64;
constexpr uint32_t kSplits = (kContext + 63) / 64;

struct TensorShape {
  const char *name;
  std::vector<uint64_t> dimensions;
  Encoding encoding;
};

/// The names are GGUF's. Both layers have those with a star.
const std::vector<TensorShape> &tensorShapes() {
  static const std::vector<TensorShape> shapes = {
      {"token_embd.weight", {kVocabulary, kEmbedding}, Encoding::Q4_0},
      {"output_norm.weight", {kEmbedding}, Encoding::F32},
      {"output.weight", {kVocabulary, kEmbedding}, Encoding::Q8_0},
      {"blk.*.attn_norm.weight", {kEmbedding}, Encoding::F32},
      {"blk.*.attn_q.weight", {kHeads * (kNope + kRope), kEmbedding}, Encoding::Q4_0},
      {"blk.*.attn_kv_a_mqa.weight", {kLatent + kRope, kEmbedding}, Encoding::Q4_0},
      {"blk.*.attn_kv_a_norm.weight", {kLatent}, Encoding::F32},
      {"blk.*.attn_k_b.weight", {kHeads, kLatent, kNope}, Encoding::Q4_0},
      {"blk.*.attn_v_b.weight", {kHeads, kValue, kLatent}, Encoding::Q4_0},
      {"blk.*.attn_output.weight", {kEmbedding, kHeads * kValue}, Encoding::Q4_0},
      {"blk.*.ffn_norm.weight", {kEmbedding}, Encoding::F32},
      {"blk.0.ffn_gate.weight", {kDense, kEmbedding}, Encoding::Q4_0},
      {"blk.0.ffn_up.weight", {kDense, kEmbedding}, Encoding::Q4_0},
      {"blk.0.ffn_down.weight", {kEmbedding, kDense}, Encoding::Q4_1},
      {"blk.1.ffn_gate_inp.weight", {kExperts, kEmbedding}, Encoding::F32},
      {"blk.1.exp_probs_b.bias", {kExperts}, Encoding::F32},
      {"blk.1.ffn_gate_exps.weight", {kExperts, kWidth, kEmbedding}, Encoding::Q4_0},
      {"blk.1.ffn_up_exps.weight", {kExperts, kWidth, kEmbedding}, Encoding::Q4_0},
      {"blk.1.ffn_down_exps.weight", {kExperts, kEmbedding, kWidth}, Encoding::Q4_0},
      {"blk.1.ffn_gate_shexp.weight", {kSharedWidth, kEmbedding}, Encoding::Q4_0},
      {"blk.1.ffn_up_shexp.weight", {kSharedWidth, kEmbedding}, Encoding::Q4_0},
      {"blk.1.ffn_down_shexp.weight", {kEmbedding, kSharedWidth}, Encoding::Q4_0},
  };
  return shapes;
}

/// Random digits; scales (the f16 numbers at a block's beginning) and f32 numbers that keep rows near 1.
std::string randomWeights(const TensorShape &shape, std::mt19937 &random) {
  uint64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.dimensions.size(); ++i)
    rows *= shape.dimensions[i];
  std::string data(encodedBytes(shape.encoding, shape.dimensions.back(), rows).value(), '\0');
  if (shape.encoding == Encoding::F32) {
    bool isNorm = std::strstr(shape.name, "norm");
    for (size_t i = 0; i < data.size(); i += 4) {
      float number = static_cast<float>(random() % 2001) / 1000.0f - 1.0f;
      number = isNorm ? 1.0f + 0.1f * number : 0.2f * number;
      std::memcpy(&data[i], &number, 4);
      if (shape.dimensions.size() > 1)
        std::memset(&data[i], 0, 2); // The router's are BF16 numbers, as in published models.
    }
    return data;
  }
  for (char &byte : data)
    byte = static_cast<char>(random());
  const EncodingInfo &info = encodingInfo(shape.encoding);
  const uint16_t scale = shape.encoding == Encoding::Q8_0 ? 0x1400 : 0x2800; // 2^-10 and 2^-5
  const uint16_t minimum = 0xB000;                                           // -2^-3
  for (size_t i = 0; i < data.size(); i += info.bytes) {
    std::memcpy(&data[i], &scale, 2);
    if (shape.encoding == Encoding::Q4_1)
      std::memcpy(&data[i + 2], &minimum, 2);
  }
  return data;
}

/// The dispatches of one program. Values are shared by all its blocks; none but the residual passes between them.
class TestProgram {
public:
  TestProgram(schema::ArtifactT &artifact, ArenaSizes &sizes, schema::Phase phase)
      : builder(artifact, sizes, phase), rows(builder.decodes() ? Rows::step : Rows::prompt),
        chunk(builder.decodes() ? Rows::step : Rows::chunk),
        tokens(builder.value("tokens", 1, Element::i32, rows, Role::tokens)),
        positions(builder.value("positions", 1, Element::i32, rows, Role::positions)),
        sequences(builder.value("sequences", 1, Element::i32, rows, Role::sequences)),
        residual(builder.value("residual", kEmbedding, Element::f32, rows, Role::residual)) {}

  std::unique_ptr<schema::ProgramT> make() {
    embedding();
    beginLayer("dense", 0);
    attention();
    denseFfn();
    builder.run(true, 0);
    beginLayer("experts", 1);
    attention();
    experts();
    builder.run(true, 1);
    head();
    return builder.finish();
  }

private:
  Operand quantised(const std::string &name, Operand input, uint64_t columns) {
    Operand result = builder.value(name, columns, Element::activation);
    builder.dispatch(Operation::quantise, schema::NoParametersT(), {input}, {result});
    return result;
  }
  Operand norm(const std::string &name, Operand input, const std::string &weight) {
    Operand result = builder.value(name, kEmbedding);
    builder.dispatch(Operation::rms_norm, epsilon(), {input, builder.weight(weight)}, {result});
    return result;
  }
  Operand product(const std::string &name, Operand input, const std::string &weight, uint64_t columns) {
    Operand result = builder.value(name, columns);
    builder.dispatch(Operation::matmul, schema::NoParametersT(), {input, builder.weight(weight), kAbsent}, {result});
    return result;
  }
  Operand headProduct(const std::string &name, Operand input, const std::string &weight, uint64_t columns) {
    Operand result = builder.value(name, columns);
    schema::HeadParametersT parameters;
    parameters.heads = kHeads;
    builder.dispatch(Operation::head_matmul, parameters, {input, builder.weight(weight)}, {result});
    return result;
  }
  static schema::NormParametersT epsilon() {
    schema::NormParametersT parameters;
    parameters.epsilon = 1e-6f;
    return parameters;
  }
  static std::vector<float> frequencies() {
    std::vector<float> result;
    for (uint32_t i = 0; i < kRope / 2; ++i)
      result.push_back(std::pow(10000.0f, -2.0f * static_cast<float>(i) / kRope));
    return result;
  }

  void embedding() {
    builder.beginBlock("embedding");
    builder.beginStage(chunk);
    builder.dispatch(Operation::embed, schema::NoParametersT(), {tokens, builder.weight("token_embd.weight")},
                     {residual});
    builder.run(false, 0);
  }

  void beginLayer(const std::string &name, uint32_t layer) {
    builder.beginBlock(name);
    builder.setLayer(layer);
    builder.beginStage(chunk);
    prefix = name + ".";
  }

  void attention() {
    Operand normed = norm(prefix + "attn_norm", residual, "blk.*.attn_norm.weight");
    Operand input = quantised(prefix + "attn_input", normed, kEmbedding);
    Operand queries = product(prefix + "queries", input, "blk.*.attn_q.weight", kHeads * (kNope + kRope));
    Operand unrotated = builder.value(prefix + "queries_nope", kHeads * kNope);
    Operand rotated = builder.value(prefix + "queries_rope", kHeads * kRope);
    schema::RopeParametersT rope;
    rope.heads = kHeads;
    rope.nope = kNope;
    rope.frequencies = frequencies();
    rope.magnitude = 1;
    builder.dispatch(Operation::query_rope, rope, {queries, positions}, {unrotated, rotated});
    Operand absorbed = headProduct(prefix + "absorbed", quantised(prefix + "queries_q", unrotated, kHeads * kNope),
                                   "blk.*.attn_k_b.weight", kHeads * kLatent);
    appendToCache(product(prefix + "kv", input, "blk.*.attn_kv_a_mqa.weight", kLatent + kRope));
    Operand attended = attend(absorbed, rotated);
    Operand heads = headProduct(prefix + "heads", quantised(prefix + "attended_q", attended, kHeads * kLatent),
                                "blk.*.attn_v_b.weight", kHeads * kValue);
    builder.dispatch(
        Operation::matmul, schema::NoParametersT(),
        {quantised(prefix + "heads_q", heads, kHeads * kValue), builder.weight("blk.*.attn_output.weight"), residual},
        {residual});
  }

  void appendToCache(Operand row) {
    schema::KvAppendParametersT parameters;
    parameters.epsilon = 1e-6f;
    parameters.frequencies = frequencies();
    parameters.magnitude = 1;
    builder.dispatch(Operation::kv_append, parameters,
                     {row, builder.weight("blk.*.attn_kv_a_norm.weight"), positions, sequences}, {kCache});
  }

  Operand attend(Operand absorbed, Operand rotated) {
    schema::AttentionParametersT parameters;
    parameters.heads = kHeads;
    parameters.scale = 1.0f / std::sqrt(static_cast<float>(kNope + kRope));
    parameters.split_positions = 64;
    Operand result = builder.value(prefix + "attended", kHeads * kLatent);
    std::vector<Operand> reads = {absorbed, rotated, kCache, positions, sequences};
    if (!builder.decodes()) {
      builder.dispatch(Operation::attention, parameters, reads, {result});
      return result;
    }
    Operand splits = builder.value(prefix + "splits", kHeads * kSplits * (kLatent + 2));
    builder.dispatch(Operation::attention_splits, parameters, reads, {splits});
    builder.dispatch(Operation::attention_combine, parameters, {splits, positions}, {result});
    return result;
  }

  void denseFfn() {
    Operand input =
        quantised(prefix + "ffn_input", norm(prefix + "ffn_norm", residual, "blk.*.ffn_norm.weight"), kEmbedding);
    Operand hidden = builder.value(prefix + "hidden", kDense);
    builder.dispatch(Operation::gated_matmul, schema::NoParametersT(),
                     {input, builder.weight("blk.*.ffn_gate.weight"), builder.weight("blk.*.ffn_up.weight")}, {hidden});
    Operand output = product(prefix + "ffn_output", quantised(prefix + "hidden_q", hidden, kDense),
                             "blk.*.ffn_down.weight", kEmbedding);
    builder.dispatch(Operation::add, schema::NoParametersT(), {residual, output}, {residual});
  }

  /// What the experts need of every token outlives the chunk.
  void experts() {
    Operand normed = norm(prefix + "ffn_norm", residual, "blk.*.ffn_norm.weight");
    Operand input = builder.value(prefix + "ffn_input", kEmbedding, Element::activation, rows);
    builder.dispatch(Operation::quantise, schema::NoParametersT(), {normed}, {input});
    Operand scores = product(prefix + "scores", normed, "blk.*.ffn_gate_inp.weight", kExperts);
    Operand ids = builder.value(prefix + "ids", kExpertsUsed, Element::i32, rows);
    Operand weights = builder.value(prefix + "weights", kExpertsUsed, Element::f32, rows);
    schema::RouteParametersT route;
    route.gate = schema::Gate::sigmoid;
    route.groups = 2;
    route.groups_used = 1;
    route.experts_used = kExpertsUsed;
    route.scale = 2.5f;
    route.normalise = true;
    builder.dispatch(Operation::route, route, {scores, builder.weight("blk.*.exp_probs_b.bias")}, {ids, weights});
    Operand gate = builder.weight("blk.*.ffn_gate_exps.weight"), up = builder.weight("blk.*.ffn_up_exps.weight");
    Operand down = builder.weight("blk.*.ffn_down_exps.weight");
    Operand sharedGate = builder.weight("blk.*.ffn_gate_shexp.weight");
    Operand sharedUp = builder.weight("blk.*.ffn_up_shexp.weight");
    Operand sharedDown = builder.weight("blk.*.ffn_down_shexp.weight");
    if (builder.decodes()) {
      uint64_t columns = kExpertsUsed * kWidth + kSharedWidth;
      Operand hidden = builder.value(prefix + "hidden", columns);
      builder.dispatch(Operation::experts_gate_up, expertParameters(), {input, ids, gate, up, sharedGate, sharedUp},
                       {hidden});
      Operand hiddenQ = quantised(prefix + "hidden_q", hidden, columns);
      builder.dispatch(Operation::experts_down, expertParameters(), {hiddenQ, ids, weights, down, sharedDown, residual},
                       {residual});
      return;
    }
    builder.beginStage(Rows::prompt);
    std::vector<Operand> scratch = {
        builder.value(prefix + "routed_sum", kEmbedding, Element::f32, Rows::prompt),
        builder.value(prefix + "rows", 1, Element::i32, Rows::prompt),
        builder.value(prefix + "hidden", std::max(kWidth, kSharedWidth), Element::f32, Rows::chunk),
        builder.value(prefix + "hidden_q", std::max(kWidth, kSharedWidth), Element::activation, Rows::chunk)};
    std::vector<Operand> reads = {input, ids, weights, gate, up, down, sharedGate, sharedUp, sharedDown, residual};
    std::vector<Operand> writes = {residual};
    reads.insert(reads.end(), scratch.begin(), scratch.end());
    writes.insert(writes.end(), scratch.begin(), scratch.end());
    builder.dispatch(Operation::experts, expertParameters(), reads, writes);
  }

  static schema::ExpertParametersT expertParameters() {
    schema::ExpertParametersT parameters;
    parameters.experts = kExperts;
    parameters.experts_used = kExpertsUsed;
    parameters.width = kWidth;
    parameters.shared_width = kSharedWidth;
    return parameters;
  }

  void head() {
    Rows output = builder.decodes() ? Rows::step : Rows::output;
    builder.beginBlock("head");
    builder.beginStage(output);
    Operand normed = builder.value("output_norm", kEmbedding, Element::f32, output);
    builder.dispatch(Operation::rms_norm, epsilon(), {residual, builder.weight("output_norm.weight")}, {normed});
    Operand input = builder.value("output_input", kEmbedding, Element::activation, output);
    builder.dispatch(Operation::quantise, schema::NoParametersT(), {normed}, {input});
    Operand logits = builder.value("logits", kVocabulary, Element::f32, output, Role::logits);
    builder.dispatch(Operation::matmul, schema::NoParametersT(), {input, builder.weight("output.weight"), kAbsent},
                     {logits});
    builder.run(false, 0);
  }

  ProgramBuilder builder;
  Rows rows, chunk;
  Operand tokens, positions, sequences, residual;
  std::string prefix;
};

std::unique_ptr<schema::ModelT> describeModel(const gguf::Model &model) {
  auto made = std::make_unique<schema::ModelT>();
  made->path = model.files()[0].path;
  made->fingerprint = std::make_unique<schema::Digest>();
  std::copy(model.fingerprint().begin(), model.fingerprint().end(),
            reinterpret_cast<uint8_t *>(made->fingerprint.get()));
  for (const gguf::FileInfo &info : model.files()) {
    auto file = std::make_unique<schema::ModelFileT>();
    file->name = info.path.substr(info.path.rfind('/') + 1);
    file->header_bytes = info.headerBytes;
    file->file_bytes = info.impliedBytes;
    made->files.push_back(std::move(file));
  }
  made->name = "two layers";
  made->architecture = "deepseek2";
  made->layers = 2;
  made->dense_layers = 1;
  made->embedding = kEmbedding;
  made->vocabulary = kVocabulary;
  made->heads = kHeads;
  made->latent = kLatent;
  made->rope = kRope;
  made->nope = kNope;
  made->value = kValue;
  made->experts = kExperts;
  made->experts_used = kExpertsUsed;
  made->shared_experts = 2;
  made->expert_groups = 2;
  made->expert_groups_used = 1;
  made->context_length = 4096;
  return made;
}

std::unique_ptr<schema::SettingsT> makeSettings() {
  auto made = std::make_unique<schema::SettingsT>();
  made->context = kContext;
  made->sequences = kSequences;
  made->prompt_tokens = kPromptTokens;
  made->chunk_tokens = kChunkTokens;
  made->decode_activations = schema::ActivationEncoding::i16;
  made->prompt_activations = schema::ActivationEncoding::i8;
  made->kv = schema::KvEncoding::f16;
  return made;
}

std::unique_ptr<schema::KvLayoutT> makeKvLayout() {
  auto made = std::make_unique<schema::KvLayoutT>();
  made->block_positions = 64;
  made->blocks_per_sequence = (kContext + 63) / 64;
  made->blocks = kSequences * made->blocks_per_sequence;
  made->latent = kLatent;
  made->rope = kRope;
  made->layers = 2;
  return made;
}

void addTensors(schema::ArtifactT &artifact, const gguf::Model &model, ArenaSizes &sizes) {
  uint64_t &end = sizes[static_cast<size_t>(schema::ArenaKind::weights)][0];
  for (const gguf::TensorInfo &info : model.tensors()) {
    auto tensor = std::make_unique<schema::TensorT>();
    tensor->name = info.name;
    tensor->file = info.file;
    tensor->offset = info.offset;
    tensor->bytes = info.bytes;
    tensor->encoding = static_cast<uint32_t>(info.encoding);
    tensor->dimensions = info.dimensions;
    tensor->tier = schema::Tier::ram;
    tensor->arena_offset = end;
    end += (info.bytes + 63) / 64 * 64;
    artifact.tensors.push_back(std::move(tensor));
  }
}

void addArenas(schema::ArtifactT &artifact, const ArenaSizes &sizes) {
  constexpr size_t kSettings[] = {1, 2, 3, 3, 3};
  for (size_t kind = 0; kind < sizes.size(); ++kind) {
    auto arena = std::make_unique<schema::ArenaT>();
    arena->kind = static_cast<schema::ArenaKind>(kind);
    arena->tier = schema::Tier::ram;
    arena->bytes.assign(sizes[kind].begin(), sizes[kind].begin() + static_cast<ptrdiff_t>(kSettings[kind]));
    arena->live_bytes = arena->bytes;
    artifact.prediction->ram_bytes += *std::max_element(arena->bytes.begin(), arena->bytes.end());
    artifact.arenas.push_back(std::move(arena));
  }
}

uint64_t workerScratch() {
  uint64_t most = 0;
  for (size_t operation = 0; operation <= static_cast<size_t>(Operation::MAX); ++operation) {
    HostScratchShape shape;
    shape.operation = static_cast<Operation>(operation);
    shape.latent = kLatent;
    shape.rope = kRope;
    shape.experts = kExperts;
    shape.groups = 2;
    most = std::max(most, hostWorkerScratchBytes(shape).value());
  }
  return most;
}

} // namespace

std::string testModelFile() {
  std::mt19937 random(7);
  gguf::GgufBuilder builder;
  builder.set("general.architecture", std::string("deepseek2"));
  for (const TensorShape &shape : tensorShapes()) {
    std::string name = shape.name;
    size_t star = name.find('*');
    for (char layer : star == std::string::npos ? std::string("-") : std::string("01")) {
      if (star != std::string::npos)
        name[star] = layer;
      builder.tensor(name, shape.dimensions, shape.encoding, randomWeights(shape, random));
    }
  }
  return builder.bytes();
}

TestModel::TestModel() : modelPath(files.write("two-layers.gguf", testModelFile())) {
  auto model = gguf::Model::open(modelPath);
  if (!model)
    throw std::runtime_error(model.error().message);
  opened = std::make_unique<gguf::Model>(std::move(*model));
}

schema::ArtifactT TestModel::artifact() const {
  schema::ArtifactT artifact;
  artifact.compiler_version = "test";
  artifact.command_line = "strata-compile two-layers.gguf";
  artifact.model = describeModel(*opened);
  artifact.machine = std::make_unique<schema::MachineT>();
  artifact.machine->name = "host";
  artifact.settings = makeSettings();
  artifact.kv = makeKvLayout();
  artifact.prediction = std::make_unique<schema::PredictionT>();
  ArenaSizes sizes = {};
  addTensors(artifact, *opened, sizes);
  uint64_t cached = uint64_t(artifact.kv->layers) * artifact.kv->blocks * 64 * (kLatent + kRope);
  sizes[static_cast<size_t>(schema::ArenaKind::kv)] = {cached * 2, cached * 4, 0};
  artifact.programs.push_back(TestProgram(artifact, sizes, schema::Phase::decode).make());
  artifact.programs.push_back(TestProgram(artifact, sizes, schema::Phase::prompt).make());
  addArenas(artifact, sizes);
  artifact.worker_scratch_bytes = workerScratch();
  artifact.plan_text = "";
  return artifact;
}

std::vector<std::byte> packArtifact(const schema::ArtifactT &artifact) {
  flatbuffers::FlatBufferBuilder builder;
  schema::FinishArtifactBuffer(builder, schema::CreateArtifact(builder, &artifact));
  auto *bytes = reinterpret_cast<const std::byte *>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

std::vector<std::byte> wrapPayload(std::span<const std::byte> payload) {
  schema::Envelope envelope;
  envelope.schemaHash = schema::kSchemaHash;
  envelope.payloadBytes = payload.size();
  envelope.payloadHash = schema::hashPayload(payload);
  auto header = schema::encodeEnvelope(envelope);
  std::vector<std::byte> file(header.size() + payload.size());
  std::copy(payload.begin(), payload.end(), std::copy(header.begin(), header.end(), file.begin()));
  return file;
}

std::vector<std::byte> artifactFile(const schema::ArtifactT &artifact) {
  return wrapPayload(packArtifact(artifact));
}

} // namespace strata::test
