// RUN: strata-opt %s --moe-fuse-residual --split-input-file | FileCheck %s
// RUN: strata-opt %s --moe-fuse-residual --remark-format=emitRemark --remarks-filter-analyse=moe-fuse-residual --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: remark: [Analysis] statistics | Category:moe-fuse-residual | fused=3

// CHECK-LABEL: moe.block @residual
moe.block @residual (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[H:.*]] = moe.silu
  // CHECK: %[[Y:.*]] = moe.dequant_matmul %x, %ffn_down residual %[[H]]
  // CHECK-SAME: (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK-NEXT: moe.yield %[[Y]]
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %p = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %h = moe.silu %x : tensor<?x64xf32>
  %y = moe.add %h, %p : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// The terms in the other order.
// CHECK-LABEL: moe.block @swapped
moe.block @swapped (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[H:.*]] = moe.silu
  // CHECK: moe.dequant_matmul %x, %ffn_down residual %[[H]]
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %p = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %h = moe.silu %x : tensor<?x64xf32>
  %y = moe.add %p, %h : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// Of two products the right one takes the left one in.
// CHECK-LABEL: moe.block @two_products
moe.block @two_products (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[P:.*]] = moe.dequant_matmul %x, %ffn_down :
  // CHECK: %[[H:.*]] = moe.silu
  // CHECK: moe.dequant_matmul %[[H]], %ffn_down residual %[[P]]
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %p = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %h = moe.silu %x : tensor<?x64xf32>
  %q = moe.dequant_matmul %h, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %y = moe.add %p, %q : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// -----

// STATISTICS: remark: [Analysis] statistics | Category:moe-fuse-residual | fused=0

// Another use of the product: it would be computed twice.
// CHECK-LABEL: moe.block @used_twice
moe.block @used_twice (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: residual
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %p = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %t = moe.add %x, %p : tensor<?x64xf32>
  %y = moe.mul %t, %p : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// A product adds one residual.
// CHECK-LABEL: moe.block @has_residual
moe.block @has_residual (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[P:.*]] = moe.dequant_matmul %x, %ffn_down residual %x
  // CHECK: moe.add %[[H:.*]], %[[P]]
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %h = moe.silu %x : tensor<?x64xf32>
  %p = moe.dequant_matmul %x, %w residual %x
    : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = moe.add %h, %p : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// Twice a product is no residual.
// CHECK-LABEL: moe.block @twice_itself
moe.block @twice_itself (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: residual
  // CHECK: moe.add %[[P:.*]], %[[P]]
  %w = moe.weight "blk.*.ffn_down.weight" : tensor<64x64x!moe.q4_0>
  %p = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>) -> tensor<?x64xf32>
  %y = moe.add %p, %p : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}
