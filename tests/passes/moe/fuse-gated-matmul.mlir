// RUN: strata-opt %s --moe-fuse-gated-matmul --split-input-file | FileCheck %s
// RUN: strata-opt %s --moe-fuse-gated-matmul --remark-format=emitRemark --remarks-filter-analyse=moe-fuse-gated-matmul --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: remark: [Analysis] statistics | Category:moe-fuse-gated-matmul | fused=2

// CHECK-LABEL: moe.block @gated
moe.block @gated (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_1>
  // CHECK: %[[Y:.*]] = moe.gated_matmul %x, %ffn_gate, %ffn_up
  // CHECK-SAME: (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<64x64x!moe.q4_1>) -> tensor<?x64xf32>
  // CHECK-NEXT: moe.yield %[[Y]]
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %x, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_1>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %y = moe.mul %s, %u : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// The factors in the other order.
// CHECK-LABEL: moe.block @swapped
moe.block @swapped (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_0>
  // CHECK: moe.gated_matmul %x, %ffn_gate, %ffn_up
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %x, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %y = moe.mul %u, %s : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// -----

// STATISTICS: remark: [Analysis] statistics | Category:moe-fuse-gated-matmul | fused=0

// Another use of a product: it would be computed twice.
// CHECK-LABEL: moe.block @product_used_twice
moe.block @product_used_twice (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.gated_matmul
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_0>
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %x, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %m = moe.mul %s, %u : tensor<?x64xf32>
  %y = moe.add %m, %u : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @silu_used_twice
moe.block @silu_used_twice (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.gated_matmul
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_0>
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %x, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %m = moe.mul %s, %u : tensor<?x64xf32>
  %y = moe.add %m, %s : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// Products of different rows.
// CHECK-LABEL: moe.block @different_rows
moe.block @different_rows (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.gated_matmul
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_0>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %n, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %y = moe.mul %s, %u : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// A residual is not part of a gated product.
// CHECK-LABEL: moe.block @residual
moe.block @residual (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.gated_matmul
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<64x64x!moe.q4_0>
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %u = moe.dequant_matmul %x, %up residual %x
    : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %y = moe.mul %s, %u : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// Squares are no gate: the product is its own factor.
// CHECK-LABEL: moe.block @square
moe.block @square (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.gated_matmul
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<64x64x!moe.q4_0>
  %g = moe.dequant_matmul %x, %gate : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %s = moe.silu %g : tensor<?x64xf32>
  %y = moe.mul %s, %s : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}
