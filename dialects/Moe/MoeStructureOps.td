// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOESTRUCTUREOPS_TD
#define STRATA_DIALECTS_MOE_MOESTRUCTUREOPS_TD

include "dialects/Moe/MoeBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Moe_StructureGroup : OpDocGroup {
  let summary = "Structure";
  let description = "A model, its layers, and the blocks that equal layers share.";
}

let opDocGroup = Moe_StructureGroup in {

def Moe_ModelOp : Moe_Op<"model", [IsolatedFromAbove, SingleBlock, Symbol,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "A whole language model: tokens in, logits out";
  let description = [{
    `logits [T, V] = head(layer_n-1(… layer_0(embed(tokens [T]))))`

    The body takes the token ids of a step and where they stand, and returns a row of logits for each. Its layers are
    `moe.layer` ops, numbered from 0, or `moe.layers` once they are outlined.

    ```mlir
    moe.model @main <layers = 61, dense_layers = 3, …> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
      %token_embd = moe.weight "token_embd.weight" : tensor<129280x7168x!moe.q4_0>
      %0 = moe.embed %tokens, %token_embd : (tensor<?xi32>, tensor<129280x7168x!moe.q4_0>) -> tensor<?x7168xf32>
      …
      moe.return %logits : tensor<?x129280xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Moe_HyperParameters:$hyper_parameters);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $hyper_parameters attr-dict-with-keyword custom<SignatureAndBody>($body)";
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::StringRef":$name, "HyperParametersAttr":$hyperParameters)>];
  let extraClassDeclaration = [{
    ::mlir::BlockArgument getTokens() { return getBody().getArgument(0); }
    ::mlir::BlockArgument getPositions() { return getBody().getArgument(1); }
  }];
}

def Moe_LayerOp : Moe_Op<"layer", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects,
    AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "One layer of a model";
  let description = [{
    `y [T, E] = layer(x [T, E])`

    The body sees the residual stream, the positions and the layer's own cache, nothing else: its weights are inside,
    named with the layer's number. So equal layers can be told apart from different ones by looking at them alone.

    ```mlir
    %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x7168xf32>, %p: !moe.positions, %kv: !moe.kv<512, 64>) {
      %attn_norm = moe.weight "blk.0.attn_norm.weight" : tensor<7168xf32>
      …
      moe.yield %y : tensor<?x7168xf32>
    }
    ```
  }];
  let arguments = (ins Moe_Index:$index, Moe_Rows:$input, Moe_PositionsValue:$positions);
  let results = (outs Moe_Rows:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $index ` ` `(` $input `,` $positions `)` attr-dict-with-keyword `as` custom<LayerBody>($body, type($input))
  }];
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "uint32_t":$index, "::mlir::Value":$input, "::mlir::Value":$positions,
                                 "KvType":$kv)>];
  let extraClassDeclaration = Moe_LayerArguments;
}

def Moe_BlockOp : Moe_Op<"block", [IsolatedFromAbove, SingleBlock, Symbol,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "What all layers of one kind compute";
  let description = [{
    `y [T, E] = block(x [T, E])`

    The body of a `moe.layer` with `*` instead of the layer's number in the names of its weights. `moe.layers` runs it.

    ```mlir
    moe.block @moe_layer (%x: tensor<?x7168xf32>, %positions: !moe.positions, %kv: !moe.kv<512, 64>) {
      %attn_norm = moe.weight "blk.*.attn_norm.weight" : tensor<7168xf32>
      …
      moe.yield %y : tensor<?x7168xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword custom<SignatureAndBody>($body)";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = Moe_LayerArguments;
}

def Moe_LayersOp : Moe_Op<"layers", [AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a block for consecutive layers";
  let description = [{
    `y = block(… block(x, layer = first) …, layer = first + count - 1)`

    For every layer the `*` in the names of the block's weights stands for its number, and the cache is the layer's own.

    ```mlir
    %2 = moe.layers @moe_layer(%1, %positions) from 3 count 58 : tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$block, Moe_Rows:$input, Moe_PositionsValue:$positions, Moe_Index:$first,
                       Moe_Count:$count);
  let results = (outs Moe_Rows:$result);
  let assemblyFormat = [{
    $block `(` $input `,` $positions `)` `from` $first `count` $count attr-dict `:` type($input)
  }];
}

def Moe_YieldOp : Moe_Op<"yield", [Pure, ReturnLike, Terminator, ParentOneOf<["LayerOp", "BlockOp"]>]> {
  let summary = "The end of a layer: the residual stream after it";
  let description = [{
    The value [T, E] has the type of the layer's input.

    ```mlir
    moe.yield %y : tensor<?x7168xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Moe_ReturnOp : Moe_Op<"return", [Pure, ReturnLike, Terminator, HasParent<"ModelOp">]> {
  let summary = "The end of a model: its logits";
  let description = [{
    The value [T, V] has a logit for each token of the vocabulary.

    ```mlir
    moe.return %logits : tensor<?x129280xf32>
    ```
  }];
  let arguments = (ins Moe_Rows:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

} // opDocGroup

#endif // STRATA_DIALECTS_MOE_MOESTRUCTUREOPS_TD
