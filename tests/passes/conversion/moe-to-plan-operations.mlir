// RUN: strata-opt %s --convert-moe-to-plan=context=64 | FileCheck %s
// RUN: strata-opt %s --convert-moe-to-plan=context=64 --plan-allocate-arenas --plan-verify -o /dev/null

// What raw_model.py, beside the tests of the moe dialect's passes, has none of: one small block for each pattern.

// A weight that is used at both ends of the model has one line.
// CHECK: plan.tensor "token_embd.weight" in ram : tensor<128x64xf32>
// CHECK-NOT: "token_embd.weight"
// CHECK-LABEL: plan.program @decode_step phase decode {

// Weights in numbers take f32 rows, so that nothing is quantised; a sum that was not fused is a dispatch of its own.
// CHECK-LABEL: plan.block @numbers {
// CHECK: plan.stage step {
// CHECK-NEXT: rms_norm few on host reads(%residual, %norm) writes(%norm_0)
// CHECK-NEXT: matmul few on host reads(%norm_0, %a.weight, none) writes(%a)
// CHECK-NEXT: head_matmul few on host reads(%a, %heads.weight) writes(%heads) with(#plan.head<heads = 2>)
// CHECK-NEXT: add few on host reads(%heads, %residual) writes(%residual)
// CHECK-NEXT: }
moe.block @numbers (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %a = moe.weight "blk.*.a.weight" : tensor<32x64xf32>
  %heads = moe.weight "blk.*.heads.weight" : tensor<2x32x16xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %0 = moe.matmul %n, %a : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %1 = moe.head_matmul %0, %heads heads 2 : (tensor<?x32xf32>, tensor<2x32x16xf32>) -> tensor<?x64xf32>
  %2 = moe.add %1, %x : tensor<?x64xf32>
  moe.yield %2 : tensor<?x64xf32>
}

// The residual itself can be quantised, and a weight be read twice.
// CHECK-LABEL: plan.block @quantised {
// CHECK: plan.stage step {
// CHECK-NEXT: quantise few on host reads(%residual) writes(%residual.quantised)
// CHECK-NEXT: matmul few on host reads(%residual.quantised, %a.weight, none) writes(%a)
// CHECK-NEXT: quantise few on host reads(%a) writes(%a.quantised)
// CHECK-NEXT: matmul few on host reads(%a.quantised, %a.weight, %residual) writes(%residual)
// CHECK-NEXT: }
moe.block @quantised (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %a = moe.weight "blk.*.a.weight" : tensor<64x64x!moe.q4_0>
  %0 = moe.dequant_matmul %x, %a : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %1 = moe.dequant_matmul %0, %a residual %x : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %1 : tensor<?x64xf32>
}

// A result does not take the residual's place while that is still needed; names of buffers are unique.
// CHECK-LABEL: plan.block @needed {
// CHECK: %a = plan.buffer "a" role intermediate
// CHECK-NEXT: %a_1 = plan.buffer "a_1" role intermediate
// CHECK-NEXT: plan.stage step {
// CHECK-NEXT: rms_norm few on host reads(%residual, %norm) writes(%norm_0)
// CHECK-NEXT: matmul few on host reads(%norm_0, %a.weight, %residual) writes(%a)
// CHECK-NEXT: matmul few on host reads(%norm_0, %a.weight, none) writes(%a_1)
// CHECK-NEXT: matmul few on host reads(%a_1, %a.weight, %residual) writes(%residual)
// CHECK-NEXT: add few on host reads(%a, %residual) writes(%residual)
// CHECK-NEXT: }
moe.block @needed (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %a = moe.weight "blk.*.a.weight" : tensor<64x64xf16>
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %0 = moe.dequant_matmul %n, %a residual %x : (tensor<?x64xf32>, tensor<64x64xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %1 = moe.dequant_matmul %n, %a : (tensor<?x64xf32>, tensor<64x64xf16>) -> tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %a residual %x : (tensor<?x64xf32>, tensor<64x64xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %3 = moe.add %0, %2 : tensor<?x64xf32>
  moe.yield %3 : tensor<?x64xf32>
}

// A router without bias and experts without a shared one leave operands out; down of f16 takes the hidden rows as they are.
// CHECK-LABEL: plan.block @experts {
// CHECK: plan.stage step {
// CHECK-NEXT: rms_norm few on host reads(%residual, %norm) writes(%norm_0)
// CHECK-NEXT: matmul few on host reads(%norm_0, %router, none) writes(%[[LOGITS:.*]]) :
// CHECK-NEXT: route few on host reads(%[[LOGITS]], none) writes(%expert_ids, %expert_weights)
// CHECK-SAME: with(#plan.route<gate = softmax, groups = 1, groups_used = 1, experts_used = 2, scale = 1.000000e+00 : f32, normalise = false>)
// CHECK-NEXT: experts_gate_up few on host reads(%norm_0, %expert_ids, %gate, %up, none, none) writes(%expert_hidden)
// CHECK-SAME: with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>)
// CHECK-NEXT: experts_down few on host reads(%expert_hidden, %expert_ids, %expert_weights, %down, none, %residual) writes(%residual)
// CHECK-NEXT: }
moe.block @experts (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %router = moe.weight "blk.*.router" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate" : tensor<4x32x64xf16>
  %up = moe.weight "blk.*.up" : tensor<4x32x64xf16>
  %down = moe.weight "blk.*.down" : tensor<4x64x32xf16>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %0 = moe.grouped_experts %n, %ids, %weights, %gate, %up, %down residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x32x64xf16>, tensor<4x32x64xf16>, tensor<4x64x32xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %0 : tensor<?x64xf32>
}

moe.model @main <layers = 4, dense_layers = 3, embedding = 64, vocabulary = 128, heads = 2, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 4, experts_used = 2, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @numbers(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.layers @quantised(%1, %positions) from 1 count 1 : tensor<?x64xf32>
  %3 = moe.layers @needed(%2, %positions) from 2 count 1 : tensor<?x64xf32>
  %4 = moe.layers @experts(%3, %positions) from 3 count 1 : tensor<?x64xf32>
  %again = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %5 = moe.dequant_matmul %4, %again : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %5 : tensor<?x128xf32>
}

// In a prompt the same operations are of the other form, over chunks; a block without experts has one stage.

// CHECK-LABEL: plan.program @prompt_step phase prompt {
// CHECK-LABEL: plan.block @needed {
// CHECK-NOT: <prompt x
// CHECK: plan.stage chunk {
// CHECK-NEXT: rms_norm many on host reads(%residual, %norm) writes(%norm_0)
// CHECK-NEXT: matmul many on host reads(%norm_0, %a.weight, %residual) writes(%a)
// CHECK-NEXT: matmul many on host reads(%norm_0, %a.weight, none) writes(%a_1)
// CHECK-NEXT: matmul many on host reads(%a_1, %a.weight, %residual) writes(%residual)
// CHECK-NEXT: add many on host reads(%a, %residual) writes(%residual)
// CHECK-NEXT: }
// CHECK-NEXT: }

// Experts of f16 read the norm of all tokens itself. Their scratch is for activations all the same.
// CHECK-LABEL: plan.block @experts {
// CHECK: %norm_0 = plan.buffer "norm" role intermediate in @prompt : <prompt x 64 x f32>
// CHECK: plan.stage chunk {
// CHECK: route many on host reads(%[[LOGITS:.*]], none) writes(%expert_ids, %expert_weights)
// CHECK-NEXT: }
// CHECK-NEXT: plan.stage prompt {
// CHECK-NEXT: experts many on host reads(%norm_0, %expert_ids, %expert_weights, %gate, %up, %down, none, none, none, %residual, %expert_sum, %expert_rows, %expert_hidden, %expert_hidden.quantised) writes(%residual, %expert_sum, %expert_rows, %expert_hidden, %expert_hidden.quantised)
// CHECK-NEXT: }
// CHECK-NEXT: }
