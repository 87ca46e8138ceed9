// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEATTRIBUTES_TD
#define STRATA_DIALECTS_MOE_MOEATTRIBUTES_TD

include "dialects/Moe/MoeDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

// The numbers are those of `Gate` in runtime/Schema/artifact.fbs.
def Moe_Gate : I32EnumAttr<"Gate", "How a router makes scores of logits", [
  I32EnumAttrCase<"Softmax", 0, "softmax">,
  I32EnumAttrCase<"Sigmoid", 1, "sigmoid">
]> {
  let cppNamespace = "::strata::moe";
}

def Moe_HyperParameters : AttrDef<Moe_Dialect, "HyperParameters"> {
  let mnemonic = "hyper_parameters";
  let summary = "The sizes that define a model";
  let description = [{
    The names are those of table `Model` in `runtime/Schema/artifact.fbs`.

    | name | meaning | GGUF key (`deepseek2.`…) |
    |---|---|---|
    | `layers` | layers | `block_count` |
    | `dense_layers` | how many of them, from the first, have no experts | `leading_dense_block_count` |
    | `embedding` | E, width of the residual stream | `embedding_length` |
    | `vocabulary` | tokens | `vocab_size` |
    | `heads` | H, attention heads | `attention.head_count` |
    | `latent` | L, width of the cached latent | `attention.kv_lora_rank` |
    | `rope` | R, rotated numbers of a head's query | `rope.dimension_count` |
    | `nope` | P, numbers of a head's query that are not rotated | `attention.key_length_mla` - R |
    | `value` | V, numbers of a head's value | `attention.value_length_mla` |
    | `experts` | X, routed experts of a layer; 0 if all layers are dense | `expert_count` |
    | `experts_used` | k, experts that a token goes to | `expert_used_count` |
    | `shared_experts` | experts that every token goes to | `expert_shared_count` |
    | `expert_groups` | groups that the router chooses among; 1: it does not | `expert_group_count` |
    | `expert_groups_used` | groups that it keeps | `expert_group_used_count` |
    | `context_length` | positions that the model was trained for | `context_length` |

    ```mlir
    #moe.hyper_parameters<layers = 61, dense_layers = 3, embedding = 7168, vocabulary = 129280, heads = 128,
      latent = 512, rope = 64, nope = 128, value = 128, experts = 256, experts_used = 8, shared_experts = 1,
      expert_groups = 8, expert_groups_used = 4, context_length = 163840>
    ```
  }];
  let parameters = (ins "uint32_t":$layers, "uint32_t":$dense_layers, "uint32_t":$embedding, "uint32_t":$vocabulary,
      "uint32_t":$heads, "uint32_t":$latent, "uint32_t":$rope, "uint32_t":$nope, "uint32_t":$value,
      "uint32_t":$experts, "uint32_t":$experts_used, "uint32_t":$shared_experts, "uint32_t":$expert_groups,
      "uint32_t":$expert_groups_used, "uint32_t":$context_length);
  // Fifteen numbers in a row would be mixed up one day: builders take a struct with names.
  let builders = [AttrBuilder<(ins "const ::strata::moe::HyperParameters &":$values), [{
    return $_get($_ctxt, values.layers, values.denseLayers, values.embedding, values.vocabulary, values.heads,
                 values.latent, values.rope, values.nope, values.value, values.experts, values.expertsUsed,
                 values.sharedExperts, values.expertGroups, values.expertGroupsUsed, values.contextLength);
  }]>];
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===-- Numbers ---------------------------------------------------------------------------------------------------===//

/// A 32-bit float that C++ sees as `float`.
def Moe_Float : Attr<CPred<"::llvm::isa<::mlir::FloatAttr>($_self) && "
                           "::llvm::cast<::mlir::FloatAttr>($_self).getType().isF32()">, "32-bit float"> {
  let storageType = "::mlir::FloatAttr";
  let returnType = "float";
  let convertFromStorage = "$_self.getValue().convertToFloat()";
  let constBuilderCall = "$_builder.getF32FloatAttr($0)";
  let valueType = F32;
}

def Moe_IsPositive : AttrConstraint<CPred<
    "::llvm::cast<::mlir::FloatAttr>($_self).getValue().isFiniteNonZero() && "
    "!::llvm::cast<::mlir::FloatAttr>($_self).getValue().isNegative()">, "which is positive and finite">;
def Moe_PositiveFloat : ConfinedAttr<Moe_Float, [Moe_IsPositive]>;
def Moe_Count : ConfinedAttr<I32Attr, [IntPositive]>;
def Moe_Index : ConfinedAttr<I32Attr, [IntNonNegative]>;

#endif // STRATA_DIALECTS_MOE_MOEATTRIBUTES_TD
