// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a session asks of its device: which calls, in which order, over which rows of which memory.

#include "tests/runtime/Exec/CheckingDevice.h"
#include "tests/runtime/Exec/ExecTest.h"

#include <algorithm>
#include <gmock/gmock.h>

namespace strata::test {
namespace {

using schema::Operation;

class Binding : public testing::Test {
protected:
  void open(const SessionOptions &options = {}) {
    schema::ArtifactT artifact = testModel().artifact();
    auto made = std::make_unique<CheckingDevice>(artifact.worker_scratch_bytes);
    device = made.get();
    session = openSession(artifact, options, std::move(made));
    sequence = expectValue(session->openSequence());
  }
  std::vector<Operation> operations() const {
    std::vector<Operation> result;
    for (const CheckingDevice::Call &call : device->calls)
      result.push_back(call.operation);
    return result;
  }
  const CheckingDevice::Call &call(Operation operation, size_t number = 0) const {
    for (const CheckingDevice::Call &each : device->calls)
      if (each.operation == operation && number-- == 0)
        return each;
    throw std::out_of_range("no such call");
  }
  static const schema::Program &program(const Session &session, schema::Phase phase) {
    return *session.artifact().root().programs()->Get(static_cast<uint32_t>(phase));
  }

  CheckingDevice *device = nullptr;
  std::unique_ptr<Session> session;
  SequenceId sequence = 0;
};

TEST_F(Binding, DecodeStepIsTheWholeProgramInOrder) {
  open();
  device->recording = true;
  decodeOne(*session, sequence, 3);
  std::vector<Operation> expected;
  for (const schema::Run *run : *program(*session, schema::Phase::decode).runs())
    for (const schema::Stage *stage : *program(*session, schema::Phase::decode).blocks()->Get(run->block())->stages())
      for (const schema::Dispatch *dispatch : *stage->dispatches())
        expected.push_back(dispatch->operation());
  EXPECT_EQ(operations(), expected);
  for (const CheckingDevice::Call &each : device->calls) {
    EXPECT_EQ(each.rows, 1u);
    EXPECT_EQ(each.form, schema::Form::few);
    EXPECT_EQ(each.activations, schema::ActivationEncoding::i16);
  }
  EXPECT_TRUE(device->violations.empty());
}

TEST_F(Binding, TheRouterIsReadAsBf16) {
  open();
  device->recording = true;
  decodeOne(*session, sequence, 3);
  runPrompt(*session, sequence, randomTokens(5, 1));
  size_t routers = 0;
  for (const CheckingDevice::Call &each : device->calls)
    if (each.operation == Operation::matmul && each.reads[1].dimensions[1] == 4) {
      ++routers;
      EXPECT_EQ(each.reads[1].encoding, Encoding::BF16);
      EXPECT_EQ(each.reads[1].rowBytes, each.reads[1].columns * 2);
    }
  EXPECT_EQ(routers, 2u) << "of a decode step and of a prompt";
}

TEST_F(Binding, RowsOfADecodeStep) {
  open();
  SequenceId other = expectValue(session->openSequence());
  decodeOne(*session, other, 1);
  device->recording = true;
  std::vector<DecodeRow> rows = {{other, 7}, {sequence, 9}};
  expectDone(session->decode(rows));
  EXPECT_EQ(session->positions(other), 2u);
  EXPECT_EQ(session->positions(sequence), 1u);
  const CheckingDevice::Call &append = call(Operation::kv_append);
  EXPECT_EQ(append.rows, 2u);
  auto numbers = [](const BoundOperand &operand) {
    const auto *begin = reinterpret_cast<const int32_t *>(operand.data);
    return std::vector<int32_t>(begin, begin + operand.rows);
  };
  EXPECT_EQ(numbers(call(Operation::embed).reads[0]), (std::vector<int32_t>{7, 9}));
  EXPECT_EQ(numbers(append.reads[2]), (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(numbers(append.reads[3]),
            (std::vector<int32_t>{static_cast<int32_t>(other), static_cast<int32_t>(sequence)}));
  EXPECT_EQ(session->logits(1).size(), kVocabulary);
  EXPECT_TRUE(session->logits(2).empty());
}

TEST_F(Binding, LayersHaveTheirOwnWeightsAndCache) {
  open();
  device->recording = true;
  decodeOne(*session, sequence, 3);
  const CheckingDevice::Call &first = call(Operation::kv_append, 0), &second = call(Operation::kv_append, 1);
  EXPECT_NE(first.reads[1].data, second.reads[1].data);
  const KvView &layer0 = *first.writes[0].kv, &layer1 = *second.writes[0].kv;
  EXPECT_EQ(layer1.layer - layer0.layer,
            static_cast<ptrdiff_t>(layer0.blockBytes * kSequences * layer0.blocksPerSequence));
  EXPECT_EQ(layer0.blockTable, layer1.blockTable);
  EXPECT_EQ(layer0.encoding, schema::KvEncoding::f16);
  const BoundOperand &gate = call(Operation::experts_gate_up).reads[2];
  EXPECT_EQ(gate.encoding, Encoding::Q4_0);
  EXPECT_EQ(gate.dimensions, (std::array<uint64_t, 3>{4, 32, 64}));
  EXPECT_EQ(gate.rows, 4u * 32);
  EXPECT_EQ(gate.columns, 64u);
  EXPECT_EQ(gate.rowBytes, 36u);
  EXPECT_EQ(call(Operation::matmul).reads[2].kind, schema::OperandKind::none);
}

TEST_F(Binding, ParametersArriveWhole) {
  open();
  device->recording = true;
  decodeOne(*session, sequence, 3);
  const CallParameters &route = call(Operation::route).parameters;
  EXPECT_EQ(route.gate, schema::Gate::sigmoid);
  EXPECT_EQ(route.groups, 2u);
  EXPECT_EQ(route.groupsUsed, 1u);
  EXPECT_EQ(route.expertsUsed, 2u);
  EXPECT_EQ(route.scale, 2.5f);
  EXPECT_TRUE(route.normalise);
  const CallParameters &rope = call(Operation::query_rope).parameters;
  EXPECT_EQ(rope.frequencies.size(), 4u);
  EXPECT_EQ(rope.frequencies[0], 1.0f);
  EXPECT_EQ(rope.nope, 32u);
  EXPECT_EQ(rope.heads, 2u);
  EXPECT_EQ(call(Operation::rms_norm).parameters.epsilon, 1e-6f);
  EXPECT_EQ(call(Operation::kv_append).parameters.epsilon, 1e-6f);
  EXPECT_EQ(call(Operation::kv_append).parameters.frequencies.size(), 4u);
  EXPECT_EQ(call(Operation::attention_splits).parameters.splitPositions, 64u);
  EXPECT_EQ(call(Operation::head_matmul).parameters.heads, 2u);
  const CallParameters &experts = call(Operation::experts_down).parameters;
  EXPECT_EQ(experts.experts, 4u);
  EXPECT_EQ(experts.expertsUsed, 2u);
  EXPECT_EQ(experts.width, 32u);
  EXPECT_EQ(experts.sharedWidth, 64u);
}

/// Values with rows for the whole prompt show a chunk its own rows.
TEST_F(Binding, ChunksOfAPrompt) {
  open();
  device->recording = true;
  runPrompt(*session, sequence, randomTokens(40, 1)); // Chunks of 16, 16 and 8.
  std::vector<uint64_t> chunks;
  for (size_t i = 0; i < 3; ++i) {
    const CheckingDevice::Call &embed = call(Operation::embed, i);
    EXPECT_EQ(embed.form, schema::Form::many);
    EXPECT_EQ(embed.activations, schema::ActivationEncoding::i8);
    chunks.push_back(embed.rows);
    EXPECT_EQ(embed.reads[0].rows, embed.rows);
    EXPECT_EQ(embed.reads[0].data - call(Operation::embed).reads[0].data, static_cast<ptrdiff_t>(i * 16 * 4));
    EXPECT_EQ(embed.writes[0].data - call(Operation::embed).writes[0].data, static_cast<ptrdiff_t>(i * 16 * 64 * 4));
    // The chunk's own values are always in the same place.
    EXPECT_EQ(call(Operation::rms_norm, i * 2).writes[0].data, call(Operation::rms_norm).writes[0].data);
  }
  EXPECT_EQ(chunks, (std::vector<uint64_t>{16, 16, 8}));
  const CheckingDevice::Call &experts = call(Operation::experts);
  EXPECT_EQ(experts.rows, 40u);
  EXPECT_EQ(experts.reads[0].rows, 40u);
  EXPECT_EQ(experts.reads[10].rows, 40u) << "scratch for the whole prompt";
  EXPECT_EQ(experts.reads[12].rows, kChunkTokens) << "scratch for a chunk";
  // The last token's row only goes through the head.
  const CheckingDevice::Call &head = device->calls.back();
  EXPECT_EQ(head.rows, 1u);
  const CheckingDevice::Call &norm = device->calls[device->calls.size() - 3];
  EXPECT_EQ(norm.operation, Operation::rms_norm);
  EXPECT_EQ(norm.reads[0].data - call(Operation::embed).writes[0].data, 39 * 64 * 4);
  EXPECT_TRUE(device->violations.empty());
}

TEST_F(Binding, ALongPromptTakesPasses) {
  open();
  device->recording = true;
  runPrompt(*session, sequence, randomTokens(150, 2));
  std::vector<uint64_t> passes;
  for (const CheckingDevice::Call &each : device->calls)
    if (each.operation == Operation::experts)
      passes.push_back(each.rows);
  EXPECT_EQ(passes, (std::vector<uint64_t>{70, 70, 10}));
  std::vector<Operation> all = operations();
  EXPECT_EQ(std::count(all.begin(), all.end(), Operation::route), 5 + 5 + 1);
}

TEST_F(Binding, EncodingsChooseTheOffsets) {
  SessionOptions options;
  options.activations = schema::ActivationEncoding::f32;
  options.kv = schema::KvEncoding::f32;
  open(options);
  device->recording = true;
  decodeOne(*session, sequence, 3);
  const CheckingDevice::Call &quantise = call(Operation::quantise);
  EXPECT_EQ(quantise.activations, schema::ActivationEncoding::f32);
  EXPECT_EQ(quantise.writes[0].rowBytes, 64u * 4);
  EXPECT_EQ(call(Operation::kv_append).writes[0].kv->encoding, schema::KvEncoding::f32);
  EXPECT_EQ(call(Operation::kv_append).writes[0].kv->blockBytes, 64u * 40 * 4);
  EXPECT_TRUE(device->violations.empty());
}

/// A step that fails anywhere leaves the sequence as it was; the next one has the same bits as if nothing had been.
TEST_F(Binding, FailedDecodeStepChangesNothing) {
  open();
  std::vector<int32_t> tokens = randomTokens(64, 3);
  runPrompt(*session, sequence, tokens);
  SequenceId twin = expectValue(session->openSequence());
  runPrompt(*session, twin, tokens);
  Row expected = decodeOne(*session, twin, 5);
  uint64_t before = device->launches;
  decodeOne(*session, twin, 6);
  uint64_t perStep = device->launches - before;
  DecodeRow row = {sequence, 5};
  for (uint64_t launch = 0; launch < perStep; ++launch) {
    device->failAt(launch);
    auto result = session->decode({&row, 1});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ExitCode::DeviceLost);
    EXPECT_EQ(session->positions(sequence), 64u);
    EXPECT_TRUE(session->logits(0).empty());
  }
  EXPECT_EQ(decodeOne(*session, sequence, 5), expected);
}

TEST_F(Binding, FailedPromptIsOver) {
  open();
  std::vector<int32_t> tokens = randomTokens(20, 4);
  SequenceId twin = expectValue(session->openSequence());
  Row expected = runPrompt(*session, twin, tokens).front();
  PromptStep prompt = expectValue(session->startPrompt(sequence, tokens, WantedRows::last, {}));
  device->failAt(30);
  Result<bool> result = false;
  while (result && !*result)
    result = prompt.advance();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "F22");
  EXPECT_EQ(session->positions(sequence), 0u);
  EXPECT_EQ(prompt.advance().error().code, ExitCode::Bug);
  EXPECT_EQ(runPrompt(*session, sequence, tokens).front(), expected);
}

/// A prompt that is over does not end the one that runs now.
TEST_F(Binding, OldPromptStepIsHarmless) {
  open();
  auto old = std::make_unique<PromptStep>(
      expectValue(session->startPrompt(sequence, randomTokens(3, 5), WantedRows::last, {})));
  while (!expectValue(old->advance()))
    ;
  PromptStep prompt = expectValue(session->startPrompt(sequence, randomTokens(3, 6), WantedRows::last, {}));
  expectValue(prompt.advance());
  old.reset();
  while (!expectValue(prompt.advance()))
    ;
  EXPECT_EQ(session->positions(sequence), 6u);
}

} // namespace
} // namespace strata::test
