// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Plan/OperandRules.h"

#include "dialects/Moe/MoeOps.h"
#include "runtime/Weights/Encoding.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

bool plan::takesActivations(RankedTensorType weight) {
  std::optional<Encoding> encoding = moe::encodingOf(weight.getElementType());
  return encoding && encodingInfo(*encoding).elements > 1;
}

Element plan::productElement(RankedTensorType weight) {
  return takesActivations(weight) ? Element::activation : Element::f32;
}

std::optional<unsigned> plan::firstScratchRead(OperationKind kind) {
  if (kind == OperationKind::experts || kind == OperationKind::experts_grouped)
    return 10;
  return std::nullopt;
}

bool plan::mayWriteTo(OperationKind kind, unsigned read, unsigned write) {
  if (std::optional<unsigned> scratch = firstScratchRead(kind); scratch && read >= *scratch)
    return write == read - *scratch + 1;
  if (write != 0)
    return false;
  switch (kind) {
  case OperationKind::add:
    return true;
  case OperationKind::matmul:
    return read == 2;
  case OperationKind::experts_down:
    return read == 5;
  case OperationKind::experts:
  case OperationKind::experts_grouped:
    return read == 9;
  default:
    return false;
  }
}

namespace {

/// Checks the operands of one dispatch, one rule at a time; after the first broken one nothing more is said.
class OperandChecker {
public:
  explicit OperandChecker(DispatchOp dispatch)
      : dispatch(dispatch), reads(dispatch.getOrderedReads()), writes(dispatch.getWrites()) {}

  LogicalResult check();

private:
  void error(const Twine &message) {
    if (succeeded(result))
      result = dispatch.emitOpError() << stringifyOperationKind(dispatch.getKind()) << ": " << message;
  }

  /// The parameters, which must be `Parameters`.
  template <typename Parameters> Parameters parameters() {
    auto found = dyn_cast_or_null<Parameters>(dispatch.getParameters().value_or(Attribute()));
    if (!found)
      error("needs parameters #plan." + Twine(Parameters::getMnemonic()));
    return found;
  }
  void noParameters() {
    if (dispatch.getParameters())
      error("takes no parameters");
  }
  void counts(size_t readCount, size_t writeCount) {
    if (reads.size() != readCount || writes.size() != writeCount)
      error("reads " + Twine(readCount) + " and writes " + Twine(writeCount) + " operands, got " + Twine(reads.size()) +
            " and " + Twine(writes.size()));
  }

  /// A buffer is not written twice, and not read where its content is being replaced.
  void aliases() {
    for (auto [index, write] : llvm::enumerate(writes)) {
      if (llvm::is_contained(writes.take_front(index), write))
        error("write " + Twine(index) + " is another write too");
      for (auto [position, read] : llvm::enumerate(reads))
        if (read == write && !mayWriteTo(dispatch.getKind(), position, index))
          error("read " + Twine(position) + " must not be write " + Twine(index) + " too");
    }
  }

  void buffer(Value operand, const Twine &place, Element element, int64_t columns) {
    if (failed(result))
      return;
    auto type = operand ? dyn_cast<BufferType>(operand.getType()) : BufferType();
    if (!type || type.getElement() != element || type.getColumns() != columns)
      error(place + " must be rows of " + Twine(columns) + " x " + stringifyElement(element));
  }
  void read(unsigned index, Element element, int64_t columns) {
    if (succeeded(result))
      buffer(reads[index], "read " + Twine(index), element, columns);
  }
  void optionalRead(unsigned index, Element element, int64_t columns) {
    if (succeeded(result) && reads[index])
      read(index, element, columns);
  }
  void write(unsigned index, Element element, int64_t columns) {
    if (succeeded(result))
      buffer(writes[index], "write " + Twine(index), element, columns);
  }
  /// Scratch is listed in reads and in writes.
  void scratch(unsigned index, unsigned writeIndex, Element element, int64_t columns) {
    read(index, element, columns);
    if (succeeded(result) && reads[index] != writes[writeIndex])
      error("read " + Twine(index) + " is scratch, and must be write " + Twine(writeIndex) + " too");
  }

  /// The columns of a buffer operand, whatever its element; 1 after an error.
  int64_t columns(Value operand, const Twine &place) {
    auto type = operand ? dyn_cast<BufferType>(operand.getType()) : BufferType();
    if (!type)
      error(place + " must be a buffer");
    return type ? type.getColumns() : 1;
  }
  int64_t columnsOfRead(unsigned index) {
    return succeeded(result) ? columns(reads[index], "read " + Twine(index)) : 1;
  }
  /// The weight at an index, which must have `rank` dimensions; null after an error.
  RankedTensorType weight(unsigned index, unsigned rank) {
    if (failed(result))
      return {};
    auto type = reads[index] ? dyn_cast<RankedTensorType>(reads[index].getType()) : RankedTensorType();
    if (type && type.getRank() == rank)
      return type;
    error("read " + Twine(index) + " must be a weight with " + Twine(rank) + " dimensions");
    return {};
  }
  void weightShape(unsigned index, ArrayRef<int64_t> shape) {
    if (RankedTensorType type = weight(index, shape.size()); type && type.getShape() != shape)
      error("read " + Twine(index) + " must be a weight of " + shapeText(shape));
  }
  void f32Vector(unsigned index, int64_t length) {
    weightShape(index, {length});
    if (succeeded(result) && !cast<RankedTensorType>(reads[index].getType()).getElementType().isF32())
      error("read " + Twine(index) + " must be a weight of f32");
  }
  /// Weights that one operand is multiplied with must agree on what it is.
  void sameProduct(unsigned index, RankedTensorType other) {
    if (failed(result) || !reads[index])
      return;
    auto type = dyn_cast<RankedTensorType>(reads[index].getType());
    if (type && takesActivations(type) != takesActivations(other))
      error("read " + Twine(index) +
            " multiplies the same rows as another weight, but only one of them takes activations");
  }
  static std::string shapeText(ArrayRef<int64_t> shape) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    llvm::interleave(shape, stream, "x");
    return text;
  }

  KvType kv(Value operand, const Twine &place) {
    auto type = operand ? dyn_cast<KvType>(operand.getType()) : KvType();
    if (!type)
      error(place + " must be the KV cache");
    return type;
  }

  void checkEmbed();
  /// `rms_norm`, `rms_norm_quantise` and `rms_norm_both`, which differ in what they write.
  void checkNorm();
  void checkQuantise();
  void checkAdd();
  void checkMatmul();
  void checkGatedMatmul();
  void checkHeadMatmul();
  void checkQueryRope();
  void checkKvAppend();
  void checkAttention();
  void checkAttentionCombine();
  void checkRoute();
  void checkExpertsGateUp();
  void checkExpertsDown();
  /// `experts` and `experts_grouped`, which differ in their scratch.
  void checkExperts();
  /// Routed and shared gate and up weights, which stand from `index` on; gives the embedding's width, 1 after an error.
  int64_t checkGateAndUp(unsigned index, unsigned sharedIndex, ExpertParametersAttr parameters);
  void checkDown(unsigned index, unsigned sharedIndex, ExpertParametersAttr parameters, int64_t embedding);
  /// Numbers of a head in `attention_splits`' result, for all splits; 1 after an error.
  int64_t splitColumns(AttentionParametersAttr parameters, int64_t latent);

  DispatchOp dispatch;
  SmallVector<Value> reads;
  OperandRange writes;
  LogicalResult result = success();
};

} // namespace

void OperandChecker::checkEmbed() {
  counts(2, 1);
  noParameters();
  read(0, Element::i32, 1);
  if (RankedTensorType table = weight(1, 2))
    write(0, Element::f32, table.getDimSize(1));
}

void OperandChecker::checkNorm() {
  OperationKind kind = dispatch.getKind();
  bool both = kind == OperationKind::rms_norm_both, quantises = both || kind == OperationKind::rms_norm_quantise;
  counts(2, both ? 2 : 1);
  parameters<NormParametersAttr>();
  int64_t width = columnsOfRead(0);
  read(0, Element::f32, width);
  f32Vector(1, width);
  if (both || !quantises)
    write(0, Element::f32, width);
  if (quantises)
    write(both ? 1 : 0, Element::activation, width);
}

void OperandChecker::checkQuantise() {
  counts(1, 1);
  noParameters();
  int64_t width = columnsOfRead(0);
  read(0, Element::f32, width);
  write(0, Element::activation, width);
}

void OperandChecker::checkAdd() {
  counts(2, 1);
  noParameters();
  int64_t width = columnsOfRead(0);
  read(0, Element::f32, width);
  read(1, Element::f32, width);
  write(0, Element::f32, width);
}

void OperandChecker::checkMatmul() {
  counts(3, 1);
  noParameters();
  RankedTensorType matrix = weight(1, 2);
  if (!matrix)
    return;
  read(0, productElement(matrix), matrix.getDimSize(1));
  optionalRead(2, Element::f32, matrix.getDimSize(0));
  write(0, Element::f32, matrix.getDimSize(0));
}

void OperandChecker::checkGatedMatmul() {
  counts(3, 1);
  noParameters();
  RankedTensorType gate = weight(1, 2);
  if (!gate)
    return;
  read(0, productElement(gate), gate.getDimSize(1));
  weightShape(2, gate.getShape());
  sameProduct(2, gate);
  write(0, Element::f32, gate.getDimSize(0));
}

void OperandChecker::checkHeadMatmul() {
  counts(2, 1);
  auto heads = parameters<HeadParametersAttr>();
  RankedTensorType matrices = weight(1, 3);
  if (!matrices || !heads)
    return;
  int64_t count = heads.getHeads();
  weightShape(1, {count, matrices.getDimSize(1), matrices.getDimSize(2)});
  read(0, productElement(matrices), count * matrices.getDimSize(2));
  write(0, Element::f32, count * matrices.getDimSize(1));
}

void OperandChecker::checkQueryRope() {
  counts(2, 2);
  auto rope = parameters<RopeParametersAttr>();
  if (!rope)
    return;
  int64_t heads = rope.getHeads(), nope = rope.getNope(), rotated = 2 * rope.getFrequencies().size();
  read(0, Element::f32, heads * (nope + rotated));
  read(1, Element::i32, 1);
  write(0, Element::f32, heads * nope);
  write(1, Element::f32, heads * rotated);
}

void OperandChecker::checkKvAppend() {
  counts(4, 1);
  auto append = parameters<KvAppendParametersAttr>();
  KvType cache = succeeded(result) ? kv(writes[0], "write 0") : KvType();
  if (!append || !cache)
    return;
  if (cache.getRope() != 2 * append.getFrequencies().size())
    error("has " + Twine(append.getFrequencies().size()) + " frequencies for " + Twine(cache.getRope()) +
          " rotated numbers");
  read(0, Element::f32, cache.getLatent() + cache.getRope());
  f32Vector(1, cache.getLatent());
  read(2, Element::i32, 1);
  read(3, Element::i32, 1);
}

int64_t OperandChecker::splitColumns(AttentionParametersAttr attention, int64_t latent) {
  SettingsOp settings = SettingsOp::lookup(dispatch);
  if (attention.getSplitPositions() == 0 || !settings) {
    error("needs plan.settings, and split_positions that are not zero");
    return 1;
  }
  int64_t splits = llvm::divideCeil(uint64_t(settings.getContextPositions()), attention.getSplitPositions());
  return attention.getHeads() * splits * (latent + 2);
}

void OperandChecker::checkAttention() {
  bool splits = dispatch.getKind() == OperationKind::attention_splits;
  counts(5, 1);
  auto attention = parameters<AttentionParametersAttr>();
  KvType cache = succeeded(result) ? kv(reads[2], "read 2") : KvType();
  if (!attention || !cache)
    return;
  int64_t heads = attention.getHeads();
  read(0, Element::f32, heads * cache.getLatent());
  read(1, Element::f32, heads * cache.getRope());
  read(3, Element::i32, 1);
  read(4, Element::i32, 1);
  write(0, Element::f32, splits ? splitColumns(attention, cache.getLatent()) : heads * cache.getLatent());
}

void OperandChecker::checkAttentionCombine() {
  counts(2, 1);
  auto attention = parameters<AttentionParametersAttr>();
  if (!attention || failed(result))
    return;
  int64_t heads = attention.getHeads();
  int64_t width = columns(writes[0], "write 0");
  if (heads == 0 || width % heads != 0)
    return error("write 0 must have the same columns for each head");
  read(0, Element::f32, splitColumns(attention, width / heads));
  read(1, Element::i32, 1);
  write(0, Element::f32, width);
}

void OperandChecker::checkRoute() {
  counts(2, 2);
  auto route = parameters<RouteParametersAttr>();
  if (!route)
    return;
  int64_t experts = columnsOfRead(0);
  read(0, Element::f32, experts);
  if (succeeded(result) && reads[1])
    f32Vector(1, experts);
  int64_t groups = route.getGroups(), used = route.getExpertsUsed();
  if (groups == 0 || experts % groups != 0 || route.getGroupsUsed() == 0 || route.getGroupsUsed() > groups)
    error("cannot use " + Twine(route.getGroupsUsed()) + " of " + Twine(groups) + " groups of " + Twine(experts) +
          " experts");
  else if (used == 0 || used > experts / groups * route.getGroupsUsed())
    error("cannot use " + Twine(used) + " experts of " + Twine(route.getGroupsUsed()) + " groups of " +
          Twine(experts / groups));
  write(0, Element::i32, used);
  write(1, Element::f32, used);
}

int64_t OperandChecker::checkGateAndUp(unsigned index, unsigned sharedIndex, ExpertParametersAttr expert) {
  RankedTensorType gate = weight(index, 3);
  if (!gate)
    return 1;
  int64_t embedding = gate.getDimSize(2);
  SmallVector<int64_t> routed = {expert.getExperts(), expert.getWidth(), embedding};
  weightShape(index, routed);
  weightShape(index + 1, routed);
  sameProduct(index + 1, gate);
  for (unsigned shared : {sharedIndex, sharedIndex + 1}) {
    if (failed(result))
      break;
    if (bool(reads[shared]) != (expert.getSharedWidth() != 0))
      error("read " + Twine(shared) + " must be there if and only if shared_width is not 0");
    if (reads[shared])
      weightShape(shared, {expert.getSharedWidth(), embedding});
    sameProduct(shared, gate);
  }
  read(0, productElement(gate), embedding);
  return embedding;
}

void OperandChecker::checkDown(unsigned index, unsigned sharedIndex, ExpertParametersAttr expert, int64_t embedding) {
  weightShape(index, {expert.getExperts(), embedding, expert.getWidth()});
  if (failed(result))
    return;
  if (bool(reads[sharedIndex]) != (expert.getSharedWidth() != 0))
    error("read " + Twine(sharedIndex) + " must be there if and only if shared_width is not 0");
  if (reads[sharedIndex])
    weightShape(sharedIndex, {embedding, expert.getSharedWidth()});
  sameProduct(sharedIndex, cast<RankedTensorType>(reads[index].getType()));
}

void OperandChecker::checkExpertsGateUp() {
  counts(6, 1);
  auto expert = parameters<ExpertParametersAttr>();
  if (!expert)
    return;
  read(1, Element::i32, expert.getExpertsUsed());
  checkGateAndUp(2, 4, expert);
  write(0, Element::f32, int64_t(expert.getExpertsUsed()) * expert.getWidth() + expert.getSharedWidth());
}

void OperandChecker::checkExpertsDown() {
  counts(6, 1);
  auto expert = parameters<ExpertParametersAttr>();
  RankedTensorType down = weight(3, 3);
  if (!expert || !down)
    return;
  int64_t embedding = down.getDimSize(1);
  read(0, productElement(down), int64_t(expert.getExpertsUsed()) * expert.getWidth() + expert.getSharedWidth());
  read(1, Element::i32, expert.getExpertsUsed());
  read(2, Element::f32, expert.getExpertsUsed());
  checkDown(3, 4, expert, embedding);
  optionalRead(5, Element::f32, embedding);
  write(0, Element::f32, embedding);
}

void OperandChecker::checkExperts() {
  bool grouped = dispatch.getKind() == OperationKind::experts_grouped;
  counts(grouped ? 17 : 14, grouped ? 8 : 5);
  auto expert = parameters<ExpertParametersAttr>();
  if (!expert)
    return;
  read(1, Element::i32, expert.getExpertsUsed());
  read(2, Element::f32, expert.getExpertsUsed());
  int64_t embedding = checkGateAndUp(3, 6, expert);
  checkDown(5, 8, expert, embedding);
  if (grouped)
    optionalRead(9, Element::f32, embedding);
  else
    read(9, Element::f32, embedding);
  write(0, Element::f32, embedding);
  int64_t hidden = std::max(expert.getWidth(), expert.getSharedWidth());
  scratch(10, 1, Element::f32, embedding);
  if (grouped) {
    scratch(11, 2, Element::i32, expert.getExpertsUsed());
    scratch(12, 3, Element::i32, expert.getExpertsUsed());
    scratch(13, 4, Element::i32, int64_t(expert.getExperts()) + 1);
    scratch(14, 5, Element::f32, hidden);
    scratch(15, 6, Element::activation, hidden);
    scratch(16, 7, Element::f32, embedding);
    return;
  }
  scratch(11, 2, Element::i32, 1);
  scratch(12, 3, Element::f32, hidden);
  scratch(13, 4, Element::activation, hidden);
}

LogicalResult OperandChecker::check() {
  switch (dispatch.getKind()) {
  case OperationKind::embed:
    checkEmbed();
    break;
  case OperationKind::rms_norm:
  case OperationKind::rms_norm_quantise:
  case OperationKind::rms_norm_both:
    checkNorm();
    break;
  case OperationKind::quantise:
    checkQuantise();
    break;
  case OperationKind::matmul:
    checkMatmul();
    break;
  case OperationKind::gated_matmul:
    checkGatedMatmul();
    break;
  case OperationKind::head_matmul:
    checkHeadMatmul();
    break;
  case OperationKind::query_rope:
    checkQueryRope();
    break;
  case OperationKind::kv_append:
    checkKvAppend();
    break;
  case OperationKind::attention_splits:
  case OperationKind::attention:
    checkAttention();
    break;
  case OperationKind::attention_combine:
    checkAttentionCombine();
    break;
  case OperationKind::route:
    checkRoute();
    break;
  case OperationKind::experts_gate_up:
    checkExpertsGateUp();
    break;
  case OperationKind::experts_down:
    checkExpertsDown();
    break;
  case OperationKind::experts:
  case OperationKind::experts_grouped:
    checkExperts();
    break;
  case OperationKind::add:
    checkAdd();
    break;
  case OperationKind::transfer:
  case OperationKind::wait:
  case OperationKind::stream:
    error("is no dispatch but an operation of its own");
    break;
  }
  aliases();
  return result;
}

LogicalResult plan::verifyOperands(DispatchOp dispatch) {
  return OperandChecker(dispatch).check();
}
