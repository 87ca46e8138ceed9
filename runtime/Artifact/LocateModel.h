// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Finds the GGUF that an artifact was compiled for: weights stay there.
#pragma once

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Weights/Gguf.h"

#include <optional>
#include <string>

namespace strata {

/// The headers of the model that an artifact was compiled for.
struct LocatedModel {
  gguf::Model gguf;
  std::string path; ///< Of the first file.
};

/// Looks at `weights` (a file, or a directory that it is in) and nowhere else if that is given; otherwise beside the
/// artifact, then where the model was when it was compiled. Only headers are read: a file that is shorter than its
/// header implies is found, and refused when its weights are opened. Exit code 1: A32 if no file is there, or it is not
/// a regular file; G50 if it is another model (both are named); G01 to G42 if it is no valid GGUF.
Result<LocatedModel> locateModel(const LoadedArtifact &artifact, const std::optional<std::string> &weights);

/// A11: every tensor of the artifact is in the model's headers with the same file, place, encoding and shape. The
/// headers win: an artifact that says otherwise is refused.
Result<void> checkTensorsOf(const schema::Artifact &artifact, const gguf::Model &model);

} // namespace strata
