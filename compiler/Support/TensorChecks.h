// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compares the tensors of a file with those that its keys call for.
#pragma once

#include "compiler/Support/ModelDescription.h"

#include <string_view>
#include <vector>

namespace strata {

/// Appends to `errors`: G46 for tensors that are missing, G31 for norms and biases that are not F32, and, if
/// `checkShapes`, G45 for shapes that are not those of the keys. Equal findings of several layers are one error that
/// lists the layers. Tensors that the model does not use become `description.notes`. `file` names the file in the
/// messages.
void checkTensors(const gguf::Model &model, std::string_view file, bool checkShapes, ModelDescription &description,
                  std::vector<Error> &errors);

} // namespace strata
