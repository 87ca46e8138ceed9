// RUN: strata-opt %s --split-input-file | FileCheck %s
// RUN: strata-opt %s --split-input-file --verify-roundtrip | FileCheck %s
// RUN: strata-opt %s --split-input-file --emit-bytecode | strata-opt | FileCheck %s --check-prefix=BYTECODE

// Every element type that a weight can have: a row of one block each.

// CHECK-LABEL: moe.block @encodings
// BYTECODE-LABEL: moe.block @encodings
moe.block @encodings (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<512, 64>) {
  // CHECK: tensor<3x32x!moe.q4_0>
  // BYTECODE: tensor<3x32x!moe.q4_0>
  %0 = moe.weight "q4_0" : tensor<3x32x!moe.q4_0>
  // CHECK: tensor<3x32x!moe.q4_1>
  %1 = moe.weight "q4_1" : tensor<3x32x!moe.q4_1>
  // CHECK: tensor<3x32x!moe.q8_0>
  %2 = moe.weight "q8_0" : tensor<3x32x!moe.q8_0>
  // CHECK: tensor<3x256x!moe.q6_k>
  %3 = moe.weight "q6_k" : tensor<3x256x!moe.q6_k>
  // CHECK: tensor<3x1xf32>
  %4 = moe.weight "f32" : tensor<3x1xf32>
  // CHECK: tensor<3x1xf16>
  %5 = moe.weight "f16" : tensor<3x1xf16>
  // CHECK: tensor<3x1xbf16>
  %6 = moe.weight "bf16" : tensor<3x1xbf16>
  moe.yield %x : tensor<?x64xf32>
}

// CHECK: #moe.hyper_parameters<layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32,
// CHECK-SAME: rope = 8, nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
// CHECK-SAME: expert_groups_used = 1, context_length = 256>
module attributes {moe.sizes = #moe.hyper_parameters<layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0,
    expert_groups = 1, expert_groups_used = 1, context_length = 256>} {}
