// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_PLAN_PLANTYPES_TD
#define STRATA_DIALECTS_PLAN_PLANTYPES_TD

include "dialects/Plan/PlanEnums.td"
include "mlir/IR/AttrTypeBase.td"

class Plan_Type<string name, string typeMnemonic> : TypeDef<Plan_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Plan_BufferType : Plan_Type<"Buffer", "buffer"> {
  let summary = "The handle of a range of an arena that holds rows of numbers";
  let description = [{
    `rows` rows of `columns` numbers. Rows are laid out for the most there can be (`plan.settings`). Elements are `f32`, `i32`, or
    `activation`: rows quantised in blocks of 32 as the settings say, so that `columns` is a multiple of 32.

    ```mlir
    !plan.buffer<prompt x 7168 x f32>
    ```
  }];
  let parameters = (ins EnumParameter<Plan_Rows>:$rows, "int64_t":$columns, EnumParameter<Plan_Element>:$element);
  let assemblyFormat = "`<` $rows `x` $columns `x` $element `>`";
  let genVerifyDecl = 1;
}

def Plan_KvType : Plan_Type<"Kv", "kv"> {
  let summary = "The handle of the KV cache, at the running layer";
  let description = [{
    For every position `latent` normalised and `rope` rotated numbers.

    ```mlir
    !plan.kv<latent = 512, rope = 64>
    ```
  }];
  let parameters = (ins "int64_t":$latent, "int64_t":$rope);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Plan_EventType : Plan_Type<"Event", "event"> {
  let summary = "That a transfer is complete";
  let description = [{
    Made by `plan.transfer` on one device, for `plan.wait` on another.

    ```mlir
    !plan.event
    ```
  }];
}

def Plan_WeightType : StaticShapeTensorOf<[AnyType]>;
def Plan_Operand : AnyTypeOf<[Plan_BufferType, Plan_KvType, Plan_WeightType], "buffer, weight or KV cache">;
def Plan_Destination : AnyTypeOf<[Plan_BufferType, Plan_KvType], "buffer or KV cache">;

#endif
