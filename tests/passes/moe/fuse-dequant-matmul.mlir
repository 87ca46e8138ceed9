// RUN: strata-opt %s --moe-fuse-dequant-matmul | FileCheck %s
// RUN: strata-opt %s --moe-fuse-dequant-matmul --remark-format=emitRemark --remarks-filter-analyse=moe-fuse-dequant-matmul -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: remark: [Analysis] statistics | Category:moe-fuse-dequant-matmul | experts=1, products=5

// CHECK-LABEL: moe.block @products
moe.block @products (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %f = moe.dequant %w : (tensor<64x64x!moe.q4_0>) -> tensor<64x64xf32>
  %h = moe.weight "blk.*.attn_v_b.weight" : tensor<2x32x32xf16>
  %g = moe.dequant %h : (tensor<2x32x32xf16>) -> tensor<2x32x32xf32>
  // Both readers of one weight decode it for themselves.
  // CHECK-NOT: moe.dequant %
  // CHECK: %[[A:.*]] = moe.dequant_matmul %x, %ffn_gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  // CHECK: %[[B:.*]] = moe.dequant_matmul %[[A]], %ffn_gate
  // CHECK: moe.dequant_head_matmul %[[B]], %attn_v_b heads 2 : (tensor<?x64xf32>, tensor<2x32x32xf16>) -> tensor<?x64xf32>
  // CHECK-NOT: moe.dequant %
  %a = moe.matmul %x, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %b = moe.matmul %a, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %c = moe.head_matmul %b, %g heads 2 : (tensor<?x64xf32>, tensor<2x32x32xf32>) -> tensor<?x64xf32>
  moe.yield %c : tensor<?x64xf32>
}

// A weight that is f32 in the file gives the same form, with a dequant or without.
// CHECK-LABEL: moe.block @f32_weights
moe.block @f32_weights (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<64x64xf32>
  %f = moe.dequant %w : (tensor<64x64xf32>) -> tensor<64x64xf32>
  // CHECK: %[[A:.*]] = moe.dequant_matmul %x, %ffn_gate_inp : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  // CHECK: moe.dequant_matmul %[[A]], %ffn_gate_inp :
  %a = moe.matmul %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %b = moe.matmul %a, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  moe.yield %b : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @experts
moe.block @experts (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<64x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<64x32x64xf32>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<64x64x32x!moe.q4_1>
  %g = moe.dequant %gate : (tensor<64x32x64x!moe.q4_0>) -> tensor<64x32x64xf32>
  %d = moe.dequant %down : (tensor<64x64x32x!moe.q4_1>) -> tensor<64x64x32xf32>
  %ids, %weights = moe.route softmax %x groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x64xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // CHECK-NOT: moe.dequant %
  // CHECK: moe.experts %x, %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps
  // CHECK-SAME: tensor<64x32x64x!moe.q4_0>, tensor<64x32x64xf32>, tensor<64x64x32x!moe.q4_1>
  %y = moe.experts %x, %ids, %weights, %g, %up, %d
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<64x32x64xf32>, tensor<64x32x64xf32>,
      tensor<64x64x32xf32>
  moe.yield %y : tensor<?x64xf32>
}

// The expanded attention is not a product: it keeps decoded weights.
// CHECK-LABEL: moe.block @expanded_attention
moe.block @expanded_attention (%x: tensor<?x96xf32>, %positions: !moe.positions, %kv: !moe.kv<88, 8>) {
  %norm = moe.weight "blk.*.attn_kv_a_norm.weight" : tensor<88xf32>
  %w = moe.weight "blk.*.attn_k_b.weight" : tensor<4x88x16xf16>
  %k_b = moe.dequant %w : (tensor<4x88x16xf16>) -> tensor<4x88x16xf32>
  %v_b = moe.weight "blk.*.attn_v_b.weight" : tensor<4x24x88xf32>
  // CHECK: %[[K_B:.*]] = moe.dequant %attn_k_b
  // CHECK: moe.mla %x, %x, %attn_kv_a_norm, %[[K_B]], %attn_v_b
  %y = moe.mla %x, %x, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 0.5, 0.25, 0.125]
    : (tensor<?x96xf32>, tensor<?x96xf32>, tensor<88xf32>, tensor<4x88x16xf32>, tensor<4x24x88xf32>, !moe.positions,
       !moe.kv<88, 8>) -> tensor<?x96xf32>
  moe.yield %y : tensor<?x96xf32>
}
