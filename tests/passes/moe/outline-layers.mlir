// RUN: strata-opt %s --moe-outline-layers --split-input-file | FileCheck %s
// RUN: strata-opt %s --moe-outline-layers --moe-outline-layers --split-input-file | FileCheck %s
// RUN: strata-opt %s --moe-outline-layers --remark-format=emitRemark --remarks-filter-analyse=moe-outline-layers --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// Two dense layers, then three that route; the last of them has a weight of another encoding.

// STATISTICS: remark: [Analysis] statistics | Category:moe-outline-layers | blocks=3, layers=5, runs=3

// CHECK: moe.block @dense_layer (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
// CHECK-NEXT: %attn_norm = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
// CHECK-NEXT: %[[N:.*]] = moe.rms_norm %x, %attn_norm
// CHECK-NEXT: moe.yield %[[N]]
// CHECK: moe.block @moe_layer (
// CHECK-NEXT: moe.weight "blk.*.ffn_gate_inp.weight" : tensor<64x64xf32>
// CHECK: moe.block @moe_layer_1 (
// CHECK-NEXT: moe.weight "blk.*.ffn_gate_inp.weight" : tensor<64x64x!moe.q4_0>
// CHECK: moe.model @main
// CHECK: %[[X:.*]] = moe.embed
// CHECK-NEXT: %[[A:.*]] = moe.layers @dense_layer(%[[X]], %positions) from 0 count 2 : tensor<?x64xf32>
// CHECK-NEXT: %[[B:.*]] = moe.layers @moe_layer(%[[A]], %positions) from 2 count 2 : tensor<?x64xf32>
// CHECK-NEXT: %[[C:.*]] = moe.layers @moe_layer_1(%[[B]], %positions) from 4 count 1 : tensor<?x64xf32>
// CHECK-NEXT: moe.dequant_matmul %[[C]]
// CHECK-NOT: moe.layer {{[0-9]}}
moe.model @main <layers = 5, dense_layers = 2, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 64, experts_used = 2, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %2 = moe.layer 1 (%1, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.1.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %3 = moe.layer 2 (%2, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %router = moe.weight "blk.2.ffn_gate_inp.weight" : tensor<64x64xf32>
    %l = moe.dequant_matmul %x, %router : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
      : (tensor<?x64xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
    moe.yield %l : tensor<?x64xf32>
  }
  %4 = moe.layer 3 (%3, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %router = moe.weight "blk.3.ffn_gate_inp.weight" : tensor<64x64xf32>
    %l = moe.dequant_matmul %x, %router : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
      : (tensor<?x64xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
    moe.yield %l : tensor<?x64xf32>
  }
  %5 = moe.layer 4 (%4, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %router = moe.weight "blk.4.ffn_gate_inp.weight" : tensor<64x64x!moe.q4_0>
    %l = moe.dequant_matmul %x, %router : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
    %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
      : (tensor<?x64xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
    moe.yield %l : tensor<?x64xf32>
  }
  %6 = moe.dequant_matmul %5, %w : (tensor<?x64xf32>, tensor<128x64x!moe.q4_0>) -> tensor<?x128xf32>
  moe.return %6 : tensor<?x128xf32>
}

// -----

// Equal layers that do not follow each other share a block; a run ends where the numbers or the values do.

// STATISTICS: remark: [Analysis] statistics | Category:moe-outline-layers | blocks=4, layers=6, runs=6

// CHECK: moe.block @dense_layer (
// CHECK-NEXT: moe.weight "blk.*.attn_norm.weight"
// CHECK-NEXT: moe.rms_norm %{{.*}} epsilon 9.99999997E-7
// Another attribute.
// CHECK: moe.block @dense_layer_1 (
// CHECK-NEXT: moe.weight "blk.*.attn_norm.weight"
// CHECK-NEXT: moe.rms_norm %{{.*}} epsilon 9.99999974E-6
// The name of another layer's weight stays as it is.
// CHECK: moe.block @dense_layer_2 (
// CHECK-NEXT: moe.weight "blk.1.attn_norm.weight"
// Layer 1 does not take what begins with its number.
// CHECK: moe.block @dense_layer_3 (
// CHECK-NEXT: moe.weight "blk.50.attn_norm.weight"
// CHECK: moe.model @main
// CHECK: %[[X:.*]] = moe.embed
// CHECK-NEXT: %[[A:.*]] = moe.layers @dense_layer(%[[X]], %positions) from 0 count 1
// CHECK-NEXT: %[[B:.*]] = moe.layers @dense_layer_1(%[[A]], %positions) from 1 count 1
// CHECK-NEXT: %[[C:.*]] = moe.layers @dense_layer(%[[B]], %positions) from 2 count 1
// CHECK-NEXT: %[[D:.*]] = moe.layers @dense_layer(%[[C]], %positions) from 4 count 1
// CHECK-NEXT: moe.add %[[C]], %[[D]]
// CHECK: moe.layers @dense_layer_2(%{{.*}}, %positions) from 6 count 1
// CHECK: moe.layers @dense_layer_3(%{{.*}}, %positions) from 5 count 1
moe.model @main <layers = 5, dense_layers = 5, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %2 = moe.layer 1 (%1, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.1.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-5 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %3 = moe.layer 2 (%2, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.2.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %4 = moe.layer 4 (%3, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.4.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %5 = moe.add %3, %4 : tensor<?x64xf32>
  %6 = moe.layer 6 (%5, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.1.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %7 = moe.layer 5 (%6, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %norm = moe.weight "blk.50.attn_norm.weight" : tensor<64xf32>
    %y = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
    moe.yield %y : tensor<?x64xf32>
  }
  %8 = moe.dequant_matmul %7, %w : (tensor<?x64xf32>, tensor<128x64x!moe.q4_0>) -> tensor<?x128xf32>
  moe.return %8 : tensor<?x128xf32>
}

// -----

// A name that is taken, another cache, and a result that is read twice.

// CHECK: moe.block @dense_layer_1 (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>)
// CHECK: moe.block @dense_layer_2 (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<64, 8>)
// CHECK: moe.model @dense_layer
// CHECK: moe.layers @dense_layer_1(%{{.*}}) from 0 count 1
// CHECK: moe.layers @dense_layer_1(%{{.*}}) from 1 count 1
// CHECK: moe.layers @dense_layer_2(%{{.*}}) from 2 count 1
moe.model @dense_layer <layers = 3, dense_layers = 3, embedding = 64, vocabulary = 128, heads = 4, latent = 32,
    rope = 8, nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.layer 1 (%1, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  %3 = moe.layer 2 (%2, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<64, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  %4 = moe.add %1, %3 : tensor<?x64xf32>
  %5 = moe.dequant_matmul %4, %w : (tensor<?x64xf32>, tensor<128x64x!moe.q4_0>) -> tensor<?x128xf32>
  moe.return %5 : tensor<?x128xf32>
}
