// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_PLAN_PLANOPS_TD
#define STRATA_DIALECTS_PLAN_PLANOPS_TD

include "dialects/Plan/PlanAttrs.td"
include "dialects/Plan/PlanTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

//===-------------------------------------------------------------------------------------------------------------------===//
// The plan: settings, memory, weights
//===-------------------------------------------------------------------------------------------------------------------===//

def Plan_SettingsOp : Plan_Op<"settings", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "The options that the plan was made for";
  let description = [{
    `context` positions per sequence, `sequences` rows of a decode step, `prompt_tokens` rows of a per-prompt buffer,
    `chunk_tokens` rows of a per-chunk buffer; none is zero, and `chunk_tokens <= prompt_tokens <= context`. The encodings are
    those the prediction is for: sizes are given for all.

    Example:
    ```mlir
    plan.settings context 4096 sequences 1 prompt_tokens 4096 chunk_tokens 512 decode_activations i16 prompt_activations i8 kv f16
    ```
  }];
  let arguments = (ins I32Attr:$context_positions, I32Attr:$sequences, I32Attr:$prompt_tokens, I32Attr:$chunk_tokens,
                       Plan_ActivationEncoding:$decode_activations, Plan_ActivationEncoding:$prompt_activations,
                       Plan_KvEncoding:$kv);
  let assemblyFormat = [{
    `context` $context_positions `sequences` $sequences `prompt_tokens` $prompt_tokens `chunk_tokens` $chunk_tokens
    `decode_activations` $decode_activations `prompt_activations` $prompt_activations `kv` $kv attr-dict
  }];
  let extraClassDeclaration = [{
    /// The settings of the module that `op` is in; null if it has none.
    static SettingsOp lookup(::mlir::Operation *op);
    /// The most rows there can be.
    int64_t getRowCount(Rows rows);
  }];
  let hasVerifier = 1;
}

def Plan_ArenaOp : Plan_Op<"arena", [HasParent<"::mlir::ModuleOp">, Symbol]> {
  let summary = "One allocation that is made when the artifact is loaded";
  let description = [{
    Memory of `tier` that `device` allocates. `bytes` is its size, `live` the most bytes that are live in it at one time: the
    difference is waste. Both are there after `plan-allocate-arenas`, by the encoding of activations for `decode`, `prompt` and
    `chunk`, by that of the cache for `kv`; `weights` has one size.

    | kind | holds |
    |---|---|
    | `weights` | resident weights |
    | `kv` | position blocks, see `plan.kv_cache` |
    | `decode` | buffers of the decode program |
    | `prompt` | per-prompt buffers of the prompt program |
    | `chunk` | per-chunk and output buffers of the prompt program |
    | `experts` | routed experts that are in a tier for themselves, see `plan.experts` |
    | `staging` | experts on their way to the device: read from a disk, or copied to a GPU; its size is given |

    A device has at most one arena of a kind in a tier. A GPU's staging is in its own memory and, pinned, in RAM.

    Example:
    ```mlir
    plan.arena @decode kind decode on host in ram bytes <i8 = 4096, i16 = 6144, f32 = 8192> live <i8 = 4096, i16 = 6144, f32 = 8192>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_ArenaKind:$kind, Plan_DeviceKind:$device, Plan_Tier:$tier,
                       OptionalAttr<Plan_SizesAttr>:$bytes, OptionalAttr<Plan_SizesAttr>:$live);
  let assemblyFormat = [{
    $sym_name `kind` $kind `on` $device `in` $tier (`bytes` $bytes^)? (`live` $live^)? attr-dict
  }];
  let extraClassDeclaration = [{
    /// How many sizes the arena has.
    unsigned getSizeCount();
  }];
  let hasVerifier = 1;
}

def Plan_KvCacheOp : Plan_Op<"kv_cache", [
    HasParent<"::mlir::ModuleOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "The KV cache of the layers that a device computes";
  let description = [{
    For every layer `blocks` position blocks of `block_positions` positions of latent + rope numbers, latent first, positions
    contiguous. Block b of layer l begins at number `(((l - first_layer) * blocks) + b) * block_positions * (latent + rope)` of the
    arena. A sequence owns a list of `blocks_per_sequence` blocks; its position p is in number `p / block_positions` of them, at
    `p % block_positions`. `blocks` is `sequences * blocks_per_sequence`, and a sequence's blocks have room for the context. It is the
    cache of the layers `[first_layer, first_layer + layers)`, from 0 on if nothing else is written; beside a GPU there are two where
    the host computes some layers (`plan.host_layers`), which differ in nothing else.

    Example:
    ```mlir
    %kv = plan.kv_cache in @kv layers 61 blocks 64 blocks_per_sequence 64 block_positions 64 : !plan.kv<latent = 512, rope = 64>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$arena, DefaultValuedAttr<I32Attr, "0">:$first_layer, I32Attr:$layers, I32Attr:$blocks,
                       I32Attr:$blocks_per_sequence, I32Attr:$block_positions);
  let results = (outs Plan_KvType:$result);
  let assemblyFormat = [{
    `in` $arena (`from` $first_layer^)? `layers` $layers `blocks` $blocks `blocks_per_sequence` $blocks_per_sequence `block_positions` $block_positions
    attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Plan_TensorOp : Plan_Op<"tensor", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "A line of the weight table: where a weight lives";
  let description = [{
    The weight `name` of the GGUF, its type, and the tier that its bytes are in while the model runs. A `*` in the name stands for
    the number of a layer; the line is then for the layers `[first_layer, first_layer + layers)`. A weight of routed experts without
    a tier is where `plan.experts` has each expert. `repack` is the kernel that makes the device's layout of the file's, when the
    weight is loaded.

    Example:
    ```mlir
    plan.tensor "token_embd.weight" in ram : tensor<129280x7168x!moe.q4_0>
    plan.tensor "blk.*.ffn_down_shexp.weight" layers 3 count 58 in gpu : tensor<7168x2048x!moe.q4_0>
    plan.tensor "blk.*.ffn_gate_exps.weight" layers 3 count 58 by experts : tensor<256x2048x7168x!moe.q4_0>
    ```
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<I32Attr>:$first_layer, OptionalAttr<I32Attr>:$layers,
                       OptionalAttr<Plan_Tier>:$tier, TypeAttrOf<Plan_WeightType>:$type, OptionalAttr<FlatSymbolRefAttr>:$repack);
  let assemblyFormat = [{
    $name (`layers` $first_layer^ `count` $layers)? (`in` $tier^):(`by` `experts`)? `:` $type (`repacked` `by` $repack^)? attr-dict
  }];
  let extraClassDeclaration = [{
    /// How many tensors of the GGUF the line is for.
    int64_t getTensorCount() { return getLayers().value_or(1); }
  }];
  let hasVerifier = 1;
}

def Plan_ExpertsOp : Plan_Op<"experts", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "Where the routed experts of some layers live, and which device computes them";
  let description = [{
    Of the `experts` of every layer in `[first_layer, first_layer + layers)`, each is in one tier: `gpu`, `ram`, or only on the `disk`.
    Those in RAM are `pinned`, or what the `slots` of a cache hold first: `slots` and `pinned` together are as many as `ram`. Which of
    the slots' experts makes room for another is the `policy`, `lru` if none is written; the policy `pinned` has no slots. The GPU
    computes `decode_gpu` when decoding and `prompt_gpu` in a prompt, the host all others. The host does not see the GPU's memory, so
    that the GPU computes what is in it; when decoding it computes nothing else, in a prompt others are brought by `plan.stream`.

    Example:
    ```mlir
    plan.experts layers 3 count 58 of 256 gpu <0 to 11> ram <12 to 38> disk <39 to 255> pinned <> slots 27 decode_gpu <0 to 11> prompt_gpu <0 to 255>
    ```
  }];
  let arguments = (ins I32Attr:$first_layer, I32Attr:$layers, I32Attr:$experts, Plan_ExpertSetAttr:$gpu, Plan_ExpertSetAttr:$ram,
                       Plan_ExpertSetAttr:$disk, Plan_ExpertSetAttr:$pinned, I32Attr:$slots,
                       DefaultValuedAttr<Plan_CachePolicy, "::strata::plan::CachePolicy::lru">:$policy,
                       Plan_ExpertSetAttr:$decode_gpu, Plan_ExpertSetAttr:$prompt_gpu);
  let assemblyFormat = [{
    `layers` $first_layer `count` $layers `of` $experts `gpu` $gpu `ram` $ram `disk` $disk `pinned` $pinned `slots` $slots
    (`policy` $policy^)? `decode_gpu` $decode_gpu `prompt_gpu` $prompt_gpu attr-dict
  }];
  let extraClassDeclaration = [{
    ExpertSetAttr getTierSet(Tier tier);
    /// What the GPU computes.
    ExpertSetAttr getGpuSet(Phase phase);
    bool hasLayer(uint64_t layer) { return getFirstLayer() <= layer && layer - getFirstLayer() < getLayers(); }
  }];
  let hasVerifier = 1;
}

def Plan_HostLayersOp : Plan_Op<"host_layers", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "Which layers the host computes beside a GPU";
  let description = [{
    The GPU has no room for the dense weights (all but routed experts) of the layers from `first_layer` of `layers` on, or only not for the
    head, if `first_layer` is `layers`. The host computes these layers and the head, from RAM, where their weights and their part
    of the KV cache are; only their routed experts are computed on the GPU in prompts. The layers before are the GPU's.

    Example:
    ```mlir
    plan.host_layers from 22 of 61
    ```
  }];
  let arguments = (ins I32Attr:$first_layer, I32Attr:$layers);
  let assemblyFormat = "`from` $first_layer `of` $layers attr-dict";
  let hasVerifier = 1;
}

def Plan_BudgetOp : Plan_Op<"budget", [HasParent<"::mlir::ModuleOp">]> {
  let summary = "What a tier of the machine has room for";
  let description = [{
    The tier has `bytes`, of which `reserved` belong to others (the process, a driver) and `head_room` stay free. The plan's arenas
    must fit into the rest; on a disk, all weights, since they stay in the model's files.

    Example:
    ```mlir
    plan.budget gpu bytes 34058272768 reserved 471859200 head_room 1073741824
    ```
  }];
  let arguments = (ins Plan_Tier:$tier, I64Attr:$bytes, I64Attr:$reserved, I64Attr:$head_room);
  let assemblyFormat = "$tier `bytes` $bytes `reserved` $reserved `head_room` $head_room attr-dict";
  let hasVerifier = 1;
}

//===-------------------------------------------------------------------------------------------------------------------===//
// Programs
//===-------------------------------------------------------------------------------------------------------------------===//

def Plan_ProgramOp : Plan_Op<"program", [
    HasParent<"::mlir::ModuleOp">, Symbol, SymbolTable, NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "The compiled form of one entry point: a decode step, or a prompt";
  let description = [{
    Buffers that outlive a block, then blocks, then runs; the runs are executed in order. A decode program has `step` stages only.
    A prompt program has `chunk`, `prompt` and `output` stages, and can be suspended wherever a run of a stage ends: between two
    chunks, and between two stages. What is needed afterwards is in the `prompt` arena.

    Example:
    ```mlir
    plan.program @decode_step phase decode {
      %tokens = plan.buffer "tokens" role tokens in @decode : !plan.buffer<step x 1 x i32>
      %residual = plan.buffer "residual" role residual in @decode : !plan.buffer<step x 7168 x f32>
      plan.block @embedding {
        %w = plan.weight "token_embd.weight" : tensor<129280x7168x!moe.q4_0>
        plan.stage step {
          plan.dispatch embed few on host reads(%tokens, %w) writes(%residual)
            : (!plan.buffer<step x 1 x i32>, tensor<129280x7168x!moe.q4_0>) -> !plan.buffer<step x 7168 x f32>
        }
      }
      plan.run @embedding
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_Phase:$phase);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `phase` $phase attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Plan_BlockOp : Plan_Op<"block", [HasParent<"ProgramOp">, Symbol, NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "The program of one kind of layer, or of the model's beginning or end";
  let description = [{
    Weights, buffers, and at least one stage. Buffers of a block are dead when its last stage ends, so that those of different
    blocks may lie over each other. The weights of a layer's block all have a `*` for the layer's number in their names, or none
    has one: then the block is no layer's.

    Example:
    ```mlir
    plan.block @head {
      %w = plan.weight "output_norm.weight" : tensor<7168xf32>
      %n = plan.buffer "output_norm" role intermediate in @decode : !plan.buffer<step x 7168 x f32>
      plan.stage step {
        plan.dispatch rms_norm few on host reads(%residual, %w) writes(%n) with (#plan.norm<epsilon = 1.0e-6 : f32>)
          : (!plan.buffer<step x 7168 x f32>, tensor<7168xf32>) -> !plan.buffer<step x 7168 x f32>
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    /// True if the block's weights have the number of a layer in their names.
    bool isLayer();
  }];
  let hasRegionVerifier = 1;
}

def Plan_RunOp : Plan_Op<"run", [HasParent<"ProgramOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a block for some layers, or once";
  let description = [{
    Runs a layer's block for the layers `[first_layer, first_layer + layers)`, one after the other; a block that is no layer's once,
    without `layers`. Every weight of the block must have a line in the weight table for each of the layers.

    Example:
    ```mlir
    plan.run @embedding
    plan.run @moe_layer layers 3 count 58
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$block, OptionalAttr<I32Attr>:$first_layer, OptionalAttr<I32Attr>:$layers);
  let assemblyFormat = "$block (`layers` $first_layer^ `count` $layers)? attr-dict";
  let hasVerifier = 1;
}

def Plan_StageOp : Plan_Op<"stage", [HasParent<"BlockOp">, NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "Dispatches that run over the same rows";
  let description = [{
    Dispatches, transfers, waits and streams. Those of a device run in order, over the rows that `rows` says: `step` in a decode program; `chunk`, `prompt` or `output` in a
    prompt program. A prompt can be suspended after each run of a stage. A stage sees buffers of its own rows; a `chunk` and an
    `output` stage also those with `prompt` rows, of which they see the chunk's rows or one; a `prompt` stage `chunk` buffers as
    scratch. Chunk and output buffers do not keep their content from one run of a stage to the next.

    Example:
    ```mlir
    plan.stage chunk {
      plan.dispatch quantise many on host reads(%n) writes(%q)
        : (!plan.buffer<chunk x 7168 x f32>) -> !plan.buffer<chunk x 7168 x activation>
    }
    ```
  }];
  let arguments = (ins Plan_Rows:$rows);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$rows attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Plan_BufferOp : Plan_Op<"buffer", [
    ParentOneOf<["ProgramOp", "BlockOp"]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A range of an arena that holds rows of numbers";
  let description = [{
    Laid out for the most rows there can be, at `offsets`, a multiple of 64 bytes from the start of the arena, by the encoding of
    activations; they are there after `plan-allocate-arenas`. `step` buffers are in the `decode` arena, `prompt` buffers in
    `prompt`, `chunk` and `output` buffers in `chunk`.

    `tokens`, `positions` and `sequences` are inputs: one `i32` a row, written before a step. `residual` carries `f32` rows from
    block to block. `logits` are the `f32` rows that are read after a step. They belong to the program and are live all the time; an
    `intermediate` buffer belongs to a block.

    Example:
    ```mlir
    %n = plan.buffer "attn_norm" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0> : !plan.buffer<step x 7168 x f32>
    ```
  }];
  let arguments = (ins StrAttr:$name, Plan_Role:$role, FlatSymbolRefAttr:$arena, OptionalAttr<Plan_SizesAttr>:$offsets);
  let results = (outs Plan_BufferType:$result);
  let assemblyFormat = "$name `role` $role `in` $arena (`at` $offsets^)? attr-dict `:` type($result)";
  let extraClassDeclaration = [{
    /// Bytes of the buffer if activations have this encoding.
    ::strata::Checked getBytes(ActivationEncoding activations);
    ArenaOp getArenaOp();
  }];
  let hasVerifier = 1;
}

def Plan_WeightOp : Plan_Op<"weight", [
    HasParent<"BlockOp">, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A weight that a block uses";
  let description = [{
    A name as in the GGUF. A `*` stands for the number of the running layer. Where the weight lives is in the weight table
    (`plan.tensor`).

    Example:
    ```mlir
    %w = plan.weight "blk.*.attn_norm.weight" : tensor<7168xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Plan_WeightType:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Plan_DispatchOp : Plan_Op<"dispatch", [HasParent<"StageOp">, AttrSizedOperandSegments]> {
  let summary = "One operation on one device";
  let description = [{
    Computes the operation `kind` over the rows of its stage. `docs/operations.md` says what each operation computes, with which operands and
    parameters; operands stand in its order, `none` where an optional one is absent. Buffers are read and written in place: a result
    may be the same buffer as a residual. Scratch stands in `reads` and, after the result, in `writes`. The form is `few` in a decode
    program and `many` in a prompt program (`docs/numbers.md`). On the gpu, `schedules` say how the work of each product in it is cut
    (`plan-choose-schedules`), and `kernels` are the functions of the `kern` dialect that are launched for it, in order; they are there
    after `convert-plan-to-kern`.

    An expert operation with weights that are `by experts` in the weight table computes those experts that `plan.experts` gives to its
    device, and leaves out the others.

    Example:
    ```mlir
    plan.dispatch matmul few on host reads(%a, %w, none) writes(%b)
      : (!plan.buffer<step x 7168 x activation>, tensor<1536x7168x!moe.q4_0>) -> !plan.buffer<step x 1536 x f32>
    ```
  }];
  let arguments = (ins Plan_OperationKind:$kind, Plan_Form:$form, Plan_DeviceKind:$device,
                       Variadic<Plan_Operand>:$reads, DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$absent,
                       OptionalAttr<Plan_AnyParameters>:$parameters,
                       Variadic<Plan_Destination>:$writes,
                       OptionalAttr<TypedArrayAttrBase<Plan_Schedule, "schedules">>:$schedules,
                       OptionalAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "kernels">>:$kernels);
  let assemblyFormat = [{
    $kind $form `on` $device `reads` `(` custom<Reads>($reads, $absent) `)` `writes` `(` $writes `)`
    (`with` `(` $parameters^ `)`)? (`schedules` $schedules^)? (`kernels` $kernels^)? attr-dict `:` functional-type($reads, $writes)
  }];
  let extraClassDeclaration = [{
    /// The operands in the order of docs/operations.md; null where an optional one is absent.
    ::llvm::SmallVector<::mlir::Value> getOrderedReads();
  }];
  let hasVerifier = 1;
}

def Plan_TransferOp : Plan_Op<"transfer", [HasParent<"StageOp">]> {
  let summary = "Copies a buffer's rows to another device";
  let description = [{
    Copies the stage's rows of `source` to `destination`, a buffer of the same columns and elements on another device. It is a step of
    the device that has `source`: it comes after that device's steps before it, and later ones come after it. The other device sees
    the copy once it has waited for the `event`, or for that of a later transfer of the same device.

    Example:
    ```mlir
    %ids_event = plan.transfer %ids to %ids_host : !plan.buffer<step x 8 x i32> to !plan.buffer<step x 8 x i32>
    ```
  }];
  let arguments = (ins Plan_BufferType:$source, Plan_BufferType:$destination);
  let results = (outs Plan_EventType:$event);
  let assemblyFormat = "$source `to` $destination attr-dict `:` type($source) `to` type($destination)";
  let extraClassDeclaration = [{
    /// The device that copies.
    DeviceKind getDevice();
  }];
  let hasVerifier = 1;
}

def Plan_WaitOp : Plan_Op<"wait", [HasParent<"StageOp">]> {
  let summary = "Lets a device's later steps begin when a transfer is complete";
  let description = [{
    The steps of `device` after this one begin when the transfer of another device, and with it all that device did before, is done.

    Example:
    ```mlir
    plan.wait %ids_event on host
    ```
  }];
  let arguments = (ins Plan_EventType:$event, Plan_DeviceKind:$device);
  let assemblyFormat = "$event `on` $device attr-dict";
  let hasVerifier = 1;
}

def Plan_StreamOp : Plan_Op<"stream", [HasParent<"StageOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Brings the experts of a layer to the GPU while the next dispatch computes them";
  let description = [{
    The experts of the running layer that the GPU computes in this phase and that are not in its memory are copied, in ascending order,
    through the pinned arena `ring` into the arena `staging`, from RAM or from the disk. The next dispatch on the GPU that reads these weights
    takes them as they come; a part of the arenas is free again when the dispatch is done with the expert in it.

    Example:
    ```mlir
    plan.stream %gate, %up, %down through @ring into @staging
      : tensor<256x2048x7168x!moe.q4_0>, tensor<256x2048x7168x!moe.q4_0>, tensor<256x7168x2048x!moe.q4_0>
    ```
  }];
  let arguments = (ins Plan_WeightType:$gate, Plan_WeightType:$up, Plan_WeightType:$down, FlatSymbolRefAttr:$ring,
                       FlatSymbolRefAttr:$staging);
  let assemblyFormat = [{
    $gate `,` $up `,` $down `through` $ring `into` $staging attr-dict `:` type($gate) `,` type($up) `,` type($down)
  }];
}

#endif
