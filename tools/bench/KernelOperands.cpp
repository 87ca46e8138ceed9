// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/KernelOperands.h"

#include "runtime/Schema/RowBytes.h"

#include <cstring>
#include <fmt/format.h>

namespace strata::bench {

using schema::Operation;

namespace {

/// Bytes of an operand, by the name that kernels have for it (compiler/Kernels).
class OperandSizes {
public:
  OperandSizes(const ShapedKernel &ofKernel, const kernels::Step &ofStep)
      : kernel(ofKernel), r(ofKernel.request), step(ofStep) {}

  Result<Checked> of(std::string_view name) const {
    if (name == "input")
      return rows * inputRow();
    if (name == "result" || name == "residual")
      return rows * (step.epilogue ? Checked(step.resultColumns) : resultColumns()) * 4;
    if (name == "ids" || name == "weights")
      return used * 4;
    if (name == "positions" || name == "sequences")
      return rows * 4;
    if (name == "logits")
      return rows * r.experts * 4;
    if (name == "bias")
      return Checked(r.experts) * 4;
    if (name == "nope" || name == "rope")
      return rows * r.heads * (name == "nope" ? r.nope : r.rope) * 4;
    if (name == "absorbed" || name == "rotated")
      return rows * r.heads * (name == "absorbed" ? r.latent : r.rope) * 4;
    if (name == "partial")
      return rows * partials() * 4;
    if (name == "layer") // In f16.
      return rows * r.blocksPerSequence * 64 * (Checked(r.latent) + r.rope) * 2;
    if (name == "blockTable")
      return rows * r.blocksPerSequence * 4;
    return weight(name);
  }

private:
  Result<Checked> weight(std::string_view name) const {
    bool down = r.operation == Operation::experts_down, experts = down || r.operation == Operation::experts_gate_up;
    auto encoded = [&](size_t slot, Checked matrices, Checked results, Checked columns) {
      return encodedBytes(r.weights[slot], columns, matrices * results);
    };
    auto routed = [&](size_t slot) {
      return down ? encoded(slot, used, r.columns, r.width) : encoded(slot, used, r.width, r.columns);
    };
    auto shared = [&](size_t slot) {
      return down ? encoded(slot, 1, r.columns, r.sharedWidth) : encoded(slot, 1, r.sharedWidth, r.columns);
    };
    if (name == "weight" && r.operation == Operation::kv_append)
      return Checked(r.latent) * 4;
    if (name == "weight")
      return encoded(0, r.operation == Operation::head_matmul ? r.heads : 1, r.results, r.columns);
    if (name == "gate" || name == "down")
      return experts ? routed(0) : encoded(0, 1, r.results, r.columns);
    if (name == "up")
      return experts ? routed(1) : encoded(1, 1, r.results, r.columns);
    if (name == "sharedGate" || name == "sharedDown")
      return shared(down ? 1 : 2);
    if (name == "sharedUp")
      return shared(3);
    return fail(ExitCode::Bug, "", fmt::format("nobody knows the size of operand {} of {}", name, kernel.name));
  }

  Checked inputRow() const {
    if (r.operation == Operation::query_rope)
      return Checked(r.heads) * (Checked(r.nope) + r.rope) * 4;
    if (r.operation == Operation::kv_append)
      return (Checked(r.latent) + r.rope) * 4;
    Checked columns = r.operation == Operation::experts_down  ? hidden()
                      : r.operation == Operation::head_matmul ? Checked(r.columns) * r.heads
                                                              : Checked(r.columns);
    bool digits = kernels::isRepacked(r.weights[0]);
    return valueRowBytes(digits ? schema::Element::activation : schema::Element::f32, r.activations, columns);
  }
  Checked resultColumns() const {
    if (r.operation == Operation::attention_splits)
      return partials();
    return r.operation == Operation::attention_combine ? Checked(r.heads) * r.latent : hidden();
  }
  Checked hidden() const { return Checked(r.expertsUsed) * r.width + r.sharedWidth; }
  Checked partials() const { return Checked(r.heads) * (Checked(r.latent) + 2) * r.splits; }

  const ShapedKernel &kernel;
  const kernels::Request &r;
  const kernels::Step &step;
  Checked rows = r.maximumRows, used = rows * r.expertsUsed;
};

/// What the integers among the operands say; every other number is 0.
void writeIntegers(const ShapedKernel &kernel, std::string_view name, std::byte *to, uint64_t bytes) {
  bool counts = name == "sequences" || name == "blockTable" || name == "ids";
  if (!counts && name != "positions")
    return;
  uint64_t modulus = name == "ids" ? kernel.request.experts : ~uint64_t(0);
  for (uint64_t i = 0; i < bytes / 4; ++i) {
    auto number = static_cast<int32_t>(counts ? i % modulus : kernel.context - 1);
    std::memcpy(to + i * 4, &number, 4);
  }
}

} // namespace

Result<KernelOperands> KernelOperands::make(sim::GlobalMemory &memory, const ShapedKernel &kernel,
                                            const kernels::Plan &plan, const kernels::Step &step) {
  KernelOperands operands;
  OperandSizes sizes(kernel, step);
  for (const kernels::Parameter &parameter : plan.parameters) {
    STRATA_ASSIGN(Checked bytes, sizes.of(parameter.name));
    if (!bytes.valid())
      return fail(ExitCode::Input, "", fmt::format("the operands of {} are too large", kernel.name));
    STRATA_ASSIGN(SimulatedBuffer buffer, SimulatedBuffer::allocate(memory, bytes.value()));
    writeIntegers(kernel, parameter.name, buffer.data(), bytes.value());
    operands.addresses.add(reinterpret_cast<uint64_t>(buffer.data()));
    operands.buffers.push_back(std::move(buffer));
  }
  operands.addresses.add(kernel.request.maximumRows);
  return operands;
}

} // namespace strata::bench
