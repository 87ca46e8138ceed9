// A small model planned for a GPU, and what its dispatches are launched as.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan="context=128 device=gpu" --plan-allocate-arenas --plan-verify -o %t.plan
// RUN: strata-opt %t.plan --plan-choose-schedules --convert-plan-to-kern | FileCheck %s
// RUN: strata-opt %t.plan --plan-choose-schedules --convert-plan-to-kern --remark-format=emitRemark --remarks-filter-analyse=convert-plan-to-kern -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS
// RUN: FileCheck %s --check-prefix=PLAN < %t.plan

// All is in the GPU's memory, and a prompt's experts have the scratch of a device that sorts.
// PLAN: plan.arena @weights kind weights on gpu in gpu
// PLAN: plan.tensor "token_embd.weight" in gpu
// PLAN: plan.dispatch matmul few on gpu
// PLAN: plan.dispatch experts_grouped many on gpu reads(%ffn_norm.quantised, %expert_ids, %expert_weights, {{.*}}, %residual, %expert_sum, %expert_pairs, %expert_places, %expert_offsets, %expert_hidden, %expert_hidden.quantised, %expert_partial)

// Weights in blocks are repacked, others are as the file has them.
// CHECK: plan.tensor "token_embd.weight" in gpu : tensor<128x64x!moe.q4_0> repacked by @[[$REPACK:repack_Q4_0_128x64]]
// CHECK: plan.tensor "output_norm.weight" in gpu : tensor<64xf32>{{$}}
// Equal kernels are one: the output has the embedding's shape, and both layers' norms are alike.
// CHECK: plan.tensor "output.weight" in gpu : tensor<128x64x!moe.q4_0> repacked by @[[$REPACK]]
// CHECK-LABEL: plan.program @decode_step
// CHECK: plan.dispatch embed few on gpu {{.*}} kernels [@embed_Q4_0_128x64]
// CHECK: plan.block @dense_layer
// CHECK: plan.dispatch rms_norm few on gpu {{.*}} kernels [@[[$NORM:rmsNorm_64]]]
// CHECK: plan.dispatch matmul few on gpu reads(%attn_v_b.quantised, %attn_output.weight, %residual) {{.*}} kernels [@[[$OUTPUT:matmulFew_Q4_0_I16_64x64_1x1_residual]]]
// CHECK: plan.block @moe_layer
// CHECK: plan.dispatch rms_norm few on gpu {{.*}} kernels [@[[$NORM]]]
// CHECK-LABEL: plan.program @prompt_step
// A prompt's experts are a sequence of launches.
// CHECK: plan.dispatch experts_grouped many on gpu {{.*}} kernels [@{{.*}}, @{{.*}}, @

// The residual is the epilogue's business.
// CHECK: kern.func @[[$OUTPUT]](%input: !kern.pointer<bytes, read>, %weight: !kern.pointer<bytes, read>, %residual: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>, %rows: i32)
// CHECK-NEXT: main_loop "strata::matmulFew<strata::Q4_0, strata::I16, 64, 64, epilogue, 1, 1>"(%input, %weight, %rows, %residual, %result)
// CHECK-SAME: epilogue [3, 4] (%value, %row, %column) {
// CHECK-NEXT: %[[BEFORE:.*]] = kern.load %residual[%row, %column] columns 64
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %value, %[[BEFORE]]
// CHECK-NEXT: kern.store %[[SUM]], %result[%row, %column] columns 64

// STATISTICS: Category:convert-plan-to-kern | kernels={{[1-9][0-9]*}}, launches={{[1-9][0-9]*}}, shared={{[1-9][0-9]*}}

// Without schedules there is nothing to build.
// RUN: not strata-opt %t.plan --convert-plan-to-kern -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNSCHEDULED
// UNSCHEDULED: needs 1 schedules, 0 are there; run --plan-choose-schedules before

// Nothing changes in a plan for the host.
// RUN: %python %S/../moe/Inputs/raw_model.py 3 1 | strata-opt --moe-optimise --convert-moe-to-plan -o %t.host
// RUN: strata-opt %t.host --convert-plan-to-kern -o %t.same
// RUN: cmp %t.host %t.same
