// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the tests of sessions share.
#pragma once

#include "runtime/Artifact/LocateModel.h"
#include "runtime/Device/Device.h"
#include "runtime/Exec/Session.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace strata::test {

using Row = std::vector<float>;

/// The value, or a test that fails with the error's message.
template <typename T> T expectValue(Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().message);
  return *std::move(result);
}
inline void expectDone(const Result<void> &result) {
  if (!result)
    throw std::runtime_error(result.error().message);
}

/// The same model for all tests of the program.
inline TestModel &testModel() {
  static TestModel model;
  return model;
}

inline std::unique_ptr<Session> openSession(const schema::ArtifactT &artifact, const SessionOptions &options,
                                            std::unique_ptr<Device> device = nullptr) {
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(artifact), "test.strata"));
  LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
  if (device)
    return expectValue(Session::create(std::move(loaded), model, std::move(device), options));
  return expectValue(Session::create(std::move(loaded), model, options));
}
inline std::unique_ptr<Session> openSession(const SessionOptions &options = {}) {
  return openSession(testModel().artifact(), options);
}

inline std::vector<int32_t> randomTokens(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random() % kVocabulary);
  return tokens;
}

/// Runs a whole prompt and returns the logits of the wanted rows.
inline std::vector<Row> runPrompt(Session &session, SequenceId sequence, const std::vector<int32_t> &tokens,
                                  WantedRows wanted = WantedRows::last) {
  std::vector<Row> rows;
  PromptStep prompt =
      expectValue(session.startPrompt(sequence, tokens, wanted, [&](uint32_t, std::span<const float> logits) {
        rows.emplace_back(logits.begin(), logits.end());
      }));
  while (!expectValue(prompt.advance()))
    ;
  return rows;
}

/// Decodes one token of one sequence and returns its logits.
inline Row decodeOne(Session &session, SequenceId sequence, int32_t token) {
  DecodeRow row = {sequence, token};
  expectDone(session.decode({&row, 1}));
  std::span<const float> logits = session.logits(0);
  return {logits.begin(), logits.end()};
}

} // namespace strata::test
