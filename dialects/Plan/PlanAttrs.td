// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_PLAN_PLANATTRS_TD
#define STRATA_DIALECTS_PLAN_PLANATTRS_TD

include "dialects/Plan/PlanEnums.td"
include "mlir/IR/AttrTypeBase.td"

class Plan_Attr<string name, string attrMnemonic> : AttrDef<Plan_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Plan_SizesAttr : Plan_Attr<"Sizes", "sizes"> {
  let summary = "Bytes, for every encoding that can be chosen when running";
  let description = [{
    Bytes or byte offsets: for each encoding of activations (`i8`, `i16`, `f32`), for each of the KV cache (`f16`, `f32`), or one
    number (`all`). They are not negative.

    ```mlir
    #plan.sizes<i8 = 4096, i16 = 6144, f32 = 8192>
    #plan.sizes<f16 = 73728, f32 = 147456>
    #plan.sizes<all = 405504>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$values);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// What the sizes are for, by how many there are.
    static ::llvm::ArrayRef<::llvm::StringRef> getNames(size_t count);
  }];
}

def Plan_ExpertSetAttr : Plan_Attr<"ExpertSet", "expert_set"> {
  let summary = "Some of a layer's routed experts, by number";
  let description = [{
    Single numbers and ranges, of which both ends belong to the set; in ascending order, neighbours in one range.

    ```mlir
    #plan.expert_set<0 to 11, 40, 200 to 255>
    #plan.expert_set<>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int32_t">:$bounds);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The set of the numbers whose flag is true.
    static ExpertSetAttr of(::mlir::MLIRContext *context, const std::vector<bool> &members);
    /// First and last number of every range, in `bounds` one after the other.
    ::llvm::SmallVector<std::pair<int32_t, int32_t>> getRanges() const;
    uint64_t size() const;
    bool contains(int64_t expert) const;
    /// True if every member is one of `other`.
    bool within(ExpertSetAttr other) const;
  }];
}

// What an operation needs to know beyond its operands: the parameter tables of artifact.fbs.
class Plan_Parameters<string name, string attrMnemonic> : Plan_Attr<name # "Parameters", attrMnemonic> {
  let assemblyFormat = "`<` struct(params) `>`";
}

def Plan_NormParameters : Plan_Parameters<"Norm", "norm"> {
  let summary = "Parameters of `rms_norm`";
  let description = "`epsilon` is added to the mean of squares (GGUF: `attention.layer_norm_rms_epsilon`).";
  let parameters = (ins "::mlir::FloatAttr":$epsilon);
}

def Plan_RopeParameters : Plan_Parameters<"Rope", "rope"> {
  let summary = "Parameters of `query_rope`";
  let description = [{
    Each of `heads` heads has `nope` numbers that stay, then two for each of `frequencies` (radians per position), which are
    rotated and scaled by `magnitude`.
  }];
  let parameters = (ins "uint32_t":$heads, "uint32_t":$nope, "::mlir::DenseF32ArrayAttr":$frequencies,
                        "::mlir::FloatAttr":$magnitude);
}

def Plan_KvAppendParameters : Plan_Parameters<"KvAppend", "kv_append"> {
  let summary = "Parameters of `kv_append`";
  let description = "`epsilon` as in `norm`; `frequencies` and `magnitude` as in `rope`.";
  let parameters = (ins "::mlir::FloatAttr":$epsilon, "::mlir::DenseF32ArrayAttr":$frequencies,
                        "::mlir::FloatAttr":$magnitude);
}

def Plan_AttentionParameters : Plan_Parameters<"Attention", "attention"> {
  let summary = "Parameters of the attention operations";
  let description = [{
    `scale` multiplies every score; `split_positions` is how many positions one partial result covers, a multiple of a
    position block.
  }];
  let parameters = (ins "uint32_t":$heads, "::mlir::FloatAttr":$scale, "uint32_t":$splitPositions);
  let assemblyFormat = "`<` `heads` `=` $heads `,` `scale` `=` $scale `,` `split_positions` `=` $splitPositions `>`";
}

def Plan_HeadParameters : Plan_Parameters<"Head", "head"> {
  let summary = "Parameters of `head_matmul`";
  let description = "The number of heads, each with a matrix of its own.";
  let parameters = (ins "uint32_t":$heads);
}

def Plan_RouteParameters : Plan_Parameters<"Route", "route"> {
  let summary = "Parameters of `route`";
  let description = [{
    `gate` makes scores; the best `groups_used` of `groups` groups and the best `experts_used` experts in them are chosen; their
    scores are made to sum to one if `normalise`, and multiplied by `scale`.
  }];
  let parameters = (ins EnumParameter<Plan_Gate>:$gate, "uint32_t":$groups, "uint32_t":$groupsUsed, "uint32_t":$expertsUsed,
                        "::mlir::FloatAttr":$scale, "::mlir::BoolAttr":$normalise);
  let assemblyFormat = [{
    `<` `gate` `=` $gate `,` `groups` `=` $groups `,` `groups_used` `=` $groupsUsed `,` `experts_used` `=` $expertsUsed `,`
    `scale` `=` $scale `,` `normalise` `=` $normalise `>`
  }];
}

def Plan_ExpertParameters : Plan_Parameters<"Expert", "expert"> {
  let summary = "Parameters of the expert operations";
  let description = [{
    There are `experts` routed experts of `width` hidden numbers, of which a token uses `experts_used`, and a shared expert of
    `shared_width` hidden numbers (0: none).
  }];
  let parameters = (ins "uint32_t":$experts, "uint32_t":$expertsUsed, "uint32_t":$width, "uint32_t":$sharedWidth);
  let assemblyFormat = [{
    `<` `experts` `=` $experts `,` `experts_used` `=` $expertsUsed `,` `width` `=` $width `,` `shared_width` `=` $sharedWidth `>`
  }];
}

def Plan_Schedule : AttrDef<Plan_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "How the work of one product on the gpu is cut";
  let description = [{
    `columns` activation rows share a read of the weight. `rows` of the weight are worked on at once: by a lane in the few-column
    form, by a CTA in a tensor-core tile. A multiprocessor must have room for `ctas` CTAs, which bounds a kernel's registers.

    ```mlir
    #plan.schedule<columns = 1, rows = 2, ctas = 5>
    ```
  }];
  let parameters = (ins "uint32_t":$columns, "uint32_t":$rows, "uint32_t":$ctas);
  let assemblyFormat = "`<` `columns` `=` $columns `,` `rows` `=` $rows `,` `ctas` `=` $ctas `>`";
}

def Plan_AnyParameters : AnyAttrOf<[
  Plan_NormParameters, Plan_RopeParameters, Plan_KvAppendParameters, Plan_AttentionParameters, Plan_HeadParameters,
  Plan_RouteParameters, Plan_ExpertParameters], "parameters of an operation">;

#endif
