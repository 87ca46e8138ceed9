// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_PASSES_PLAN_PASSES_TD
#define STRATA_PASSES_PLAN_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanFuseNorms : Pass<"plan-fuse-norms", "::mlir::ModuleOp"> {
  let summary = "Make one dispatch of a norm and of the quantisation of its result";
  let description = [{
    On the gpu, where a launch costs more than the rows: a `rms_norm` whose result is quantised in the same stage becomes
    `rms_norm_quantise`, and the buffer between them is gone; or `rms_norm_both`, if another dispatch reads the normalised rows as
    `f32`, for example a router. The bits are those of the two dispatches. Nothing changes on the host.

    Statistics: `fused` pairs; of these, `kept` with their `f32` rows.

    Before:
    ```mlir
    plan.dispatch rms_norm few on gpu reads(%x, %w) writes(%n) with (#plan.norm<epsilon = 1.0e-6 : f32>)
    plan.dispatch quantise few on gpu reads(%n) writes(%q)
    ```
    After:
    ```mlir
    plan.dispatch rms_norm_quantise few on gpu reads(%x, %w) writes(%q) with (#plan.norm<epsilon = 1.0e-6 : f32>)
    ```
  }];
}

def PlanAllocateArenas : Pass<"plan-allocate-arenas", "::mlir::ModuleOp"> {
  let summary = "Give every buffer its offset, and every arena its size";
  let description = [{
    Buffers whose live ranges do not meet may lie over each other. A buffer of a block is live from the first to the last dispatch
    that touches it; one with `prompt` rows during the whole of those stages, because they run once for every chunk; a buffer of
    the program always. For each encoding of activations the buffers of an arena are placed, in several orders (largest first, and
    others), into the smallest gap that has room, and the smallest result is kept. Offsets are multiples of 64 bytes.

    The size of the KV cache follows from its layout, that of the weights from the weight table: each weight is rounded up to 64
    bytes.

    Statistics: `arena-bytes` of the arenas of buffers, as the settings encode activations; of these, `waste-bytes` that
    are never live; `buffers` placed.

    Before:
    ```mlir
    plan.arena @decode kind decode on host in ram
    %0 = plan.buffer "x" role intermediate in @decode : !plan.buffer<step x 32 x activation>
    ```
    After:
    ```mlir
    plan.arena @decode kind decode on host in ram bytes <i8 = 64, i16 = 128, f32 = 128> live <i8 = 36, i16 = 68, f32 = 128>
    %0 = plan.buffer "x" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 0> : !plan.buffer<step x 32 x activation>
    ```
  }];
  let options = [Option<"printWaste", "print-waste", "bool", "false",
                        "Print for every arena, as comments, what is live and what is waste">];
}

def PlanVerify : Pass<"plan-verify", "::mlir::ModuleOp"> {
  let summary = "Prove that a plan can run";
  let description = [{
    Shows of a module with allocated arenas, for each encoding of activations:

    - no two buffers that are live at the same time overlap, and every buffer is inside its arena;
    - no dispatch reads a buffer, or the cache, before something has written it; inputs are not written, logits are;
    - every operand is in memory that its device sees;
    - every weight of a run has a line of its type in the weight table, and its layers are in the cache that its block uses;
    - no two results of a dispatch are one buffer;
    - what is in each tier is within its budget, if one is given, with what is reserved in it and its head room.

    Of plans over several tiers also:

    - a layer with weights `by experts` is in one line of `plan.experts`, and an expert operation can compute what its device is given:
      a GPU in prompts after a `plan.stream` of what it does not have;
    - two steps of different devices that touch one buffer, of which one writes it, are ordered by transfers and waits, also when a
      stage runs again for another chunk and a block for another layer;
    - when a block ends, one device has waited for all that the others did;
    - the weights of the layers and of the head that `plan.host_layers` gives to the host are in RAM, those of the other layers in gpu, and no
      expert of the host's layers is.

    Kinds and shapes of operands are verified with every `plan.dispatch`.
  }];
  let options = [Option<"ramBytes", "ram-bytes", "uint64_t", "0", "Budget of the tier ram; 0: none">];
}

#endif
