// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the command line's paths to a loaded model.
#pragma once

#include "runtime/Artifact/LocateModel.h"
#include "runtime/Exec/Session.h"
#include "runtime/Routing/RoutingRecorder.h"
#include "runtime/Text/Tokenizer.h"
#include "tools/run/Options.h"

#include <memory>

namespace strata::run {

struct OpenedModel {
  LocatedModel located;
  std::unique_ptr<RoutingRecorder> recorder; ///< Nothing: nothing is recorded.
  std::unique_ptr<Session> session;
};

/// The tokenizer of a model's header. Exit code 1 if it is not a valid one.
Result<text::Tokenizer> tokenizerOf(const gguf::Model &model);

/// The tokenizer alone: `options.model` is an artifact, or a GGUF of which the header is enough. Exit code 1 for what
/// is wrong with either.
Result<text::Tokenizer> openTokenizer(const Options &options);

/// Checks the artifact, finds its model, reads the weights. Shows progress on stderr if that is a terminal,
/// and says there when options of the run differ from what the plan was made for.
Result<OpenedModel> openModel(const Options &options);

} // namespace strata::run
