// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The rules between operands and attributes of an operation. Shapes of single operands are constraints in MoeTypes.td,
// result types follow from MoeOps.cpp.

#include "dialects/Moe/MoeOps.h"

#include "runtime/Base/Checked.h"

using namespace mlir;

namespace strata::moe {

/// A number of an operation, and what it is called.
struct Count {
  StringRef name;
  Checked number;
};

static LogicalResult verifyEqual(Operation *op, const Count &left, const Count &right) {
  if (left.number.valid() && right.number.valid() && left.number.value() == right.number.value())
    return success();
  InFlightDiagnostic error = op->emitOpError();
  auto print = [&](const Count &count) {
    error << "the " << count.name << " (";
    if (count.number.valid())
      error << count.number.value();
    else
      error << "more than 64 bits hold";
    error << ")";
  };
  print(left);
  error << " differ from ";
  print(right);
  return failure();
}

static LogicalResult verifySameShape(Operation *op, StringRef leftName, RankedTensorType left, StringRef rightName,
                                     RankedTensorType right) {
  if (left.getShape() == right.getShape())
    return success();
  return op->emitOpError() << "the shape of " << leftName << " " << left << " differs from that of " << rightName << " "
                           << right;
}

static LogicalResult verifySameType(Operation *op, StringRef leftName, Type left, StringRef rightName, Type right) {
  if (left == right)
    return success();
  return op->emitOpError() << "the type of " << leftName << " " << left << " differs from that of " << rightName << " "
                           << right;
}

//===-- Weights ---------------------------------------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  if (getName().empty())
    return emitOpError("a weight's name must not be empty");
  if (getName().contains('*') && !(*this)->getParentOfType<BlockOp>())
    return emitOpError() << "'*' stands for a layer's number only inside 'moe.block'";
  RankedTensorType type = getType();
  const EncodingInfo &info = encodingInfo(*encodingOf(type.getElementType()));
  if (columnsOf(type) % info.elements != 0)
    return emitOpError() << "rows of " << columnsOf(type) << " numbers are not whole blocks of " << info.elements
                         << " numbers, as " << info.name << " has them";
  if (!encodedBytes(type).valid())
    return emitOpError() << "the size of " << type << " is more than 64 bits hold";
  return success();
}

//===-- Products --------------------------------------------------------------------------------------------------===//

/// x [T, K] with w [N, K].
static LogicalResult verifyColumns(Operation *op, StringRef inputName, RankedTensorType input, StringRef weightName,
                                   RankedTensorType weight) {
  return verifyEqual(op, {inputName, columnsOf(input)}, {weightName, columnsOf(weight)});
}

LogicalResult MatmulOp::verify() {
  return verifyColumns(*this, "columns of the input", getInput().getType(), "columns of the weight",
                       getWeight().getType());
}

LogicalResult DequantMatmulOp::verify() {
  if (failed(verifyColumns(*this, "columns of the input", getInput().getType(), "columns of the weight",
                           getWeight().getType())))
    return failure();
  return getResidual() ? verifySameType(*this, "the residual", getResidual().getType(), "the result", getType())
                       : success();
}

LogicalResult GatedMatmulOp::verify() {
  if (failed(verifySameShape(*this, "gate", getGate().getType(), "up", getUp().getType())))
    return failure();
  return verifyColumns(*this, "columns of the input", getInput().getType(), "columns of the gate", getGate().getType());
}

/// x [T, H*K] with w [H, N, K].
static LogicalResult verifyHeadProduct(Operation *op, RankedTensorType input, RankedTensorType weight, uint32_t heads) {
  if (failed(verifyEqual(op, {"heads", heads}, {"matrices of the weight", weight.getDimSize(0)})))
    return failure();
  return verifyEqual(op, {"columns of the input", columnsOf(input)},
                     {"columns of the weight for all heads", Checked(heads) * columnsOf(weight)});
}

LogicalResult HeadMatmulOp::verify() {
  return verifyHeadProduct(*this, getInput().getType(), getWeight().getType(), getHeads());
}

LogicalResult DequantHeadMatmulOp::verify() {
  return verifyHeadProduct(*this, getInput().getType(), getWeight().getType(), getHeads());
}

LogicalResult RmsNormOp::verify() {
  return verifyColumns(*this, "columns of the input", getInput().getType(), "numbers of the weight",
                       getWeight().getType());
}

//===-- Attention -------------------------------------------------------------------------------------------------===//

/// kv_a [T, L+R] and the norm [L] of a cache, and a frequency for each pair of its R rotated numbers.
static LogicalResult verifyCacheRows(Operation *op, KvType kv, RankedTensorType kvA, RankedTensorType norm,
                                     ArrayRef<float> frequencies) {
  if (failed(verifyEqual(op, {"columns of kv_a", columnsOf(kvA)},
                         {"latent and rotated numbers of the cache", Checked(kv.getLatent()) + kv.getRope()})) ||
      failed(
          verifyEqual(op, {"numbers of the norm", columnsOf(norm)}, {"latent numbers of the cache", kv.getLatent()})))
    return failure();
  return verifyEqual(op, {"frequencies", frequencies.size()}, {"rotated pairs of the cache", kv.getRope() / 2});
}

/// k_b [H, L, P] and v_b [H, V, L].
static LogicalResult verifyHeadWeights(MlaOp op) {
  RankedTensorType kB = op.getKB().getType(), vB = op.getVB().getType();
  KvType kv = op.getKv().getType();
  const std::pair<Count, Count> rules[] = {
      {{"matrices of k_b", kB.getDimSize(0)}, {"heads", op.getHeads()}},
      {{"rows of k_b", kB.getDimSize(1)}, {"latent numbers of the cache", kv.getLatent()}},
      {{"columns of k_b", kB.getDimSize(2)}, {"numbers of a head that are not rotated", op.getNope()}},
      {{"matrices of v_b", vB.getDimSize(0)}, {"heads", op.getHeads()}},
      {{"columns of v_b", vB.getDimSize(2)}, {"latent numbers of the cache", kv.getLatent()}}};
  for (const auto &[left, right] : rules)
    if (failed(verifyEqual(op, left, right)))
      return failure();
  return success();
}

LogicalResult MlaOp::verify() {
  KvType kv = getKv().getType();
  Checked query = Checked(getHeads()) * (Checked(getNope()) + kv.getRope());
  if (failed(verifyEqual(*this, {"columns of the query", columnsOf(getQuery().getType())},
                         {"numbers of all heads", query})))
    return failure();
  if (failed(verifyCacheRows(*this, kv, getKvA().getType(), getNorm().getType(), getFrequencies())))
    return failure();
  return verifyHeadWeights(*this);
}

LogicalResult QueryRopeOp::verify() {
  Checked query = Checked(getHeads()) * (Checked(getNope()) + Checked(2) * getFrequencies().size());
  return verifyEqual(*this, {"columns of the query", columnsOf(getQuery().getType())}, {"numbers of all heads", query});
}

LogicalResult KvAppendOp::verify() {
  return verifyCacheRows(*this, getKv().getType(), getKvA().getType(), getNorm().getType(), getFrequencies());
}

LogicalResult LatentAttentionOp::verify() {
  KvType kv = getKv().getType();
  if (failed(verifyEqual(*this, {"columns of the latent query", columnsOf(getLatentQuery().getType())},
                         {"latent numbers of the cache for all heads", Checked(getHeads()) * kv.getLatent()})))
    return failure();
  return verifyEqual(*this, {"columns of the rotated query", columnsOf(getRopeQuery().getType())},
                     {"rotated numbers of the cache for all heads", Checked(getHeads()) * kv.getRope()});
}

//===-- Experts ---------------------------------------------------------------------------------------------------===//

/// A group's value is the sum of its two best choices.
static constexpr uint32_t kChoicesOfGroup = 2;

static LogicalResult verifyGroups(RouteOp op, uint64_t experts) {
  uint32_t groups = op.getGroups(), used = op.getGroupsUsed();
  if (experts % groups != 0)
    return op.emitOpError() << experts << " experts are not " << groups << " equal groups";
  if (used > groups)
    return op.emitOpError() << "uses " << used << " groups of " << groups;
  if (groups > 1 && experts / groups < kChoicesOfGroup)
    return op.emitOpError() << "groups are judged by their " << kChoicesOfGroup << " best experts, but have "
                            << experts / groups;
  return success();
}

LogicalResult RouteOp::verify() {
  int64_t experts = columnsOf(getLogits().getType());
  if (getBias() &&
      failed(verifyEqual(*this, {"numbers of the bias", columnsOf(cast<RankedTensorType>(getBias().getType()))},
                         {"columns of the logits", experts})))
    return failure();
  if (failed(verifyGroups(*this, experts)))
    return failure();
  uint64_t candidates = static_cast<uint64_t>(experts) / getGroups() * getGroupsUsed();
  if (getExpertsUsed() > candidates)
    return emitOpError() << "uses " << getExpertsUsed() << " experts of " << candidates << " in the groups used";
  return success();
}

/// x [T, E], ids and weights [T, k], gate and up [X, F, E], down [X, E, F].
template <typename OpType> static LogicalResult verifyRoutedExperts(OpType op) {
  RankedTensorType gate = op.getGate().getType(), down = op.getDown().getType(), ids = op.getIds().getType();
  if (failed(verifySameShape(op, "gate", gate, "up", op.getUp().getType())))
    return failure();
  const std::pair<Count, Count> rules[] = {
      {{"ids of a row", columnsOf(ids)}, {"weights of a row", columnsOf(op.getWeights().getType())}},
      {{"columns of the input", columnsOf(op.getInput().getType())}, {"columns of the gate", columnsOf(gate)}},
      {{"matrices of the gate", gate.getDimSize(0)}, {"matrices of down", down.getDimSize(0)}},
      {{"columns of the gate", gate.getDimSize(2)}, {"rows of down", down.getDimSize(1)}},
      {{"rows of the gate", gate.getDimSize(1)}, {"columns of down", down.getDimSize(2)}}};
  for (const auto &[left, right] : rules)
    if (failed(verifyEqual(op, left, right)))
      return failure();
  return success();
}

LogicalResult ExpertsOp::verify() {
  return verifyRoutedExperts(*this);
}

/// Shared gate and up [S, E], down [E, S].
static LogicalResult verifySharedExpert(GroupedExpertsOp op) {
  auto gate = cast<RankedTensorType>(op.getSharedGate().getType());
  auto down = cast<RankedTensorType>(op.getSharedDown().getType());
  if (failed(
          verifySameShape(op, "shared gate", gate, "shared up", cast<RankedTensorType>(op.getSharedUp().getType()))) ||
      failed(verifyColumns(op, "columns of the input", op.getInput().getType(), "columns of the shared gate", gate)) ||
      failed(verifyEqual(op, {"columns of the shared gate", columnsOf(gate)},
                         {"rows of shared down", down.getDimSize(0)})))
    return failure();
  return verifyEqual(op, {"rows of the shared gate", gate.getDimSize(0)}, {"columns of shared down", columnsOf(down)});
}

LogicalResult GroupedExpertsOp::verify() {
  if (failed(verifyRoutedExperts(*this)) ||
      failed(verifySameType(*this, "the residual", getResidual().getType(), "the result", getType())))
    return failure();
  // The syntax takes all three or none; builders could do otherwise.
  int present = bool(getSharedGate()) + bool(getSharedUp()) + bool(getSharedDown());
  if (present != 0 && present != 3)
    return emitOpError("takes all three weights of the shared expert, or none");
  return present ? verifySharedExpert(*this) : success();
}

} // namespace strata::moe
