// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_PLAN_PLANDIALECT_TD
#define STRATA_DIALECTS_PLAN_PLANDIALECT_TD

include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::strata::plan";
  let summary = "Where the values of a model live, and which device computes them when.";
  let description = [{
    The device level of a compiled model. Where the `moe` dialect has tensors, `plan` has storage: a value is a buffer with a fixed
    offset in an arena, a weight is a tensor of the GGUF with a tier, and an operation is a dispatch on a device that reads and
    writes them. The dialect mirrors `runtime/Schema/artifact.fbs`, name by name: writing the artifact is a walk over it.

    ```
    module
     ├ plan.settings                       what the plan was made for: context, sequences, rows, encodings
     ├ plan.arena @weights, @kv, @decode, @prompt, @chunk    one allocation each, with its sizes
     ├ plan.kv_cache                       the layout of the KV cache
     ├ plan.tensor "blk.*.attn_norm.weight" layers 0 count 61 in ram      the weight table: a tier for every weight
     ├ plan.experts layers 3 count 58 of 256 gpu <0 to 11> ...      which experts are where, if not all are in one tier
     ├ plan.host_layers from 22 of 61      which layers the host computes, if the GPU has no room for all
     ├ plan.budget gpu ...                 what a tier has room for
     ├ plan.program @decode_step phase decode
     │  ├ plan.buffer  ...                 values that outlive a block: residual, tokens, positions, sequences, logits
     │  ├ plan.block @moe_layer
     │  │  ├ plan.weight  ...              the weights that the block uses, by name pattern
     │  │  ├ plan.buffer  ...              values that are dead when the block ends
     │  │  └ plan.stage step { plan.dispatch ... }
     │  └ plan.run @moe_layer layers 3 count 58
     └ plan.program @prompt_step phase prompt
    ```

    Equal layers share one block, and the weight table has one line for all layers that have a weight of the same type: the module
    does not grow with the number of layers.

    *Rows.* A buffer says how many rows it has (`step`, `chunk`, `prompt`, `output`), and a stage over which rows it runs. A `step`
    stage runs once a decode step. In the prompt program a `chunk` stage runs once for every chunk of the prompt, a `prompt` stage
    once, and an `output` stage once for every row whose logits are wanted. A `prompt` buffer shows a `chunk` stage the chunk's rows
    only, an `output` stage one row.

    *Sizes* depend on how activations are encoded, which may be chosen again when the artifact is run. So every size and offset is
    given for each of `i8`, `i16` and `f32`, as `<i8 = 0, i16 = 0, f32 = 0>`.

    *Suspension.* A prompt may be suspended after each run of a stage: between two chunks, and between two stages. Decode steps of
    other sequences run then. They use other arenas, so nothing has to be saved.

    *Tiers.* A plan in one tier runs on one device. In a plan over several tiers the devices work side by side, each through its own
    steps in order. What one needs of the other is copied by `plan.transfer`, a step of the device that has it, and the other goes
    on after `plan.wait`. `plan.experts` says of every expert of a layer where it is and which device computes it; an expert
    operation on a device computes those. A layer is the GPU's as a whole or, with the head and all layers after it, the host's
    (`plan.host_layers`); inputs and the residual are then buffers of both devices.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif
