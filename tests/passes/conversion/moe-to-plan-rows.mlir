// RUN: strata-opt %s --convert-moe-to-plan="context=64 chunk-tokens=16" | FileCheck %s
// RUN: strata-opt %s --convert-moe-to-plan="context=64 chunk-tokens=16" --plan-allocate-arenas --plan-verify -o /dev/null

// A prompt can be suspended wherever a run of a stage ends, so that experts end stages. Two networks of experts in one block:
// what a stage needs of one before it has rows for the whole prompt, everything else for a chunk. Scratch of experts is for
// the rows of a chunk, where the sum and the order of rows are for all.

// CHECK-LABEL: plan.program @prompt_step phase prompt {
// CHECK: %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
// CHECK-NEXT: %positions = plan.buffer "positions" role positions in @prompt : <prompt x 1 x i32>
// CHECK-NEXT: %sequences = plan.buffer "sequences" role sequences in @prompt : <prompt x 1 x i32>
// CHECK-NEXT: %residual = plan.buffer "residual" role residual in @prompt : <prompt x 64 x f32>
// CHECK-NEXT: %logits = plan.buffer "logits" role logits in @chunk : <output x 128 x f32>

// CHECK-LABEL: plan.block @two {
// CHECK: "norm" role intermediate in @chunk : <chunk x 64 x f32>
// CHECK-NEXT: "router" role intermediate in @chunk : <chunk x 4 x f32>
// CHECK-NEXT: "expert_ids" role intermediate in @prompt : <prompt x 2 x i32>
// CHECK-NEXT: "expert_weights" role intermediate in @prompt : <prompt x 2 x f32>
// CHECK-NEXT: "norm.quantised" role intermediate in @prompt : <prompt x 64 x activation>
// CHECK-NEXT: "expert_sum" role intermediate in @prompt : <prompt x 64 x f32>
// CHECK-NEXT: "expert_rows" role intermediate in @prompt : <prompt x 1 x i32>
// CHECK-NEXT: "expert_hidden" role intermediate in @chunk : <chunk x 96 x f32>
// CHECK-NEXT: "expert_hidden.quantised" role intermediate in @chunk : <chunk x 96 x activation>
// CHECK-NEXT: "norm_1" role intermediate in @chunk : <chunk x 64 x f32>
// CHECK-NEXT: "norm_1.quantised" role intermediate in @prompt : <prompt x 64 x activation>
// CHECK-NEXT: "expert_sum_1" role intermediate in @prompt : <prompt x 64 x f32>
// CHECK-NEXT: "expert_rows_1" role intermediate in @prompt : <prompt x 1 x i32>
// CHECK-NEXT: "expert_hidden_1" role intermediate in @chunk : <chunk x 96 x f32>
// CHECK-NEXT: "expert_hidden.quantised_1" role intermediate in @chunk : <chunk x 96 x activation>

// The norm of a chunk is gone when experts run: it is quantised at the end of its own stage.
// CHECK-NEXT: plan.stage chunk {
// CHECK-NEXT: rms_norm many
// CHECK-NEXT: matmul many
// CHECK-NEXT: route many
// CHECK-NEXT: quantise many
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage prompt {
// CHECK-NEXT: experts many
// CHECK-SAME: #plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 96>
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage chunk {
// CHECK-NEXT: rms_norm many
// CHECK-NEXT: quantise many
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage prompt {
// CHECK-NEXT: experts many
// CHECK-NEXT: }
// CHECK-NEXT: }

// What a later chunk stage is the first to need quantised is quantised where it is made, and lasts from stage to stage.
// CHECK-NEXT: plan.block @late {
// CHECK: "norm" role intermediate in @chunk : <chunk x 64 x f32>
// CHECK: "norm.quantised" role intermediate in @prompt : <prompt x 64 x activation>
// CHECK-NEXT: plan.stage chunk {
// CHECK-NEXT: rms_norm many {{.*}} writes(%norm)
// CHECK-NEXT: matmul many
// CHECK-NEXT: route many
// CHECK-NEXT: quantise many on host reads(%norm) writes(%norm.quantised)
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage prompt {
// CHECK-NEXT: experts many on host reads(%residual,
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage chunk {
// CHECK-NEXT: matmul many on host reads(%norm.quantised, %a.weight, %experts) writes(%residual)
// CHECK-NEXT: }
// CHECK-NEXT: }

// Only rows whose logits are wanted go through the head.
// CHECK-NEXT: plan.block @head {
// CHECK: "output_norm" role intermediate in @chunk : <output x 64 x f32>
// CHECK-NEXT: plan.stage output {
// CHECK-NEXT: rms_norm many
// CHECK-NEXT: matmul many
// CHECK-NEXT: }

moe.block @two (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm.weight" : tensor<64xf32>
  %router = moe.weight "blk.*.router.weight" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate.weight" : tensor<4x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.down.weight" : tensor<4x64x32x!moe.q4_0>
  %sgate = moe.weight "blk.*.sgate.weight" : tensor<96x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.sdown.weight" : tensor<64x96x!moe.q4_0>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route sigmoid %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %0 = moe.grouped_experts %n, %ids, %weights, %gate, %gate, %down shared %sgate, %sgate, %sdown residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>,
       tensor<96x64x!moe.q4_0>, tensor<96x64x!moe.q4_0>, tensor<64x96x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %m = moe.rms_norm %0, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %1 = moe.grouped_experts %m, %ids, %weights, %gate, %gate, %down shared %sgate, %sgate, %sdown residual %0 :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>,
       tensor<96x64x!moe.q4_0>, tensor<96x64x!moe.q4_0>, tensor<64x96x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %1 : tensor<?x64xf32>
}
moe.block @late (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm.weight" : tensor<64xf32>
  %router = moe.weight "blk.*.router.weight" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate.weight" : tensor<4x32x64xf16>
  %down = moe.weight "blk.*.down.weight" : tensor<4x64x32xf16>
  %a = moe.weight "blk.*.a.weight" : tensor<64x64x!moe.q4_0>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route sigmoid %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %gate, %down residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x32x64xf16>, tensor<4x32x64xf16>, tensor<4x64x32xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = moe.dequant_matmul %n, %a residual %0 : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %1 : tensor<?x64xf32>
}
moe.model @main <layers = 2, dense_layers = 0, embedding = 64, vocabulary = 128, heads = 2, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 4, experts_used = 2, shared_experts = 3, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %norm = moe.weight "output_norm.weight" : tensor<64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @two(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %late = moe.layers @late(%1, %positions) from 1 count 1 : tensor<?x64xf32>
  %2 = moe.rms_norm %late, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %3 = moe.dequant_matmul %2, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}
