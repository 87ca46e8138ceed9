// RUN: strata-opt %s --moe-absorb-mla | FileCheck %s
// RUN: strata-opt %s --moe-absorb-mla --remark-format=emitRemark --remarks-filter-analyse=moe-absorb-mla -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: remark: [Analysis] statistics | Category:moe-absorb-mla | absorbed=1

// CHECK-LABEL: moe.block @attention (%x: tensor<?x96xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>)
moe.block @attention (%x: tensor<?x96xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %kv_w = moe.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x96xf32>
  %norm = moe.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
  %k_b = moe.weight "blk.*.attn_k_b.weight" : tensor<4x32x16xf32>
  %v_b = moe.weight "blk.*.attn_v_b.weight" : tensor<4x24x32xf32>
  // CHECK: %[[KV_A:.*]] = moe.matmul %x, %attn_kv_a_mqa
  %kv_a = moe.matmul %x, %kv_w : (tensor<?x96xf32>, tensor<40x96xf32>) -> tensor<?x40xf32>
  // Every parameter goes to who needs it; the cache is written before it is read.
  // CHECK-NEXT: %nope, %rope = moe.query_rope %x, %positions heads 4 nope 16 magnitude 1.500000e+00
  // CHECK-SAME: frequencies [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01]
  // CHECK-SAME: -> (tensor<?x64xf32>, tensor<?x32xf32>)
  // CHECK-NEXT: %[[CACHE:.*]] = moe.kv_append %[[KV_A]], %attn_kv_a_norm, %positions, %kv epsilon 9.99999997E-7
  // CHECK-SAME: magnitude 1.500000e+00 frequencies [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01]
  // CHECK-NEXT: %[[LATENT:.*]] = moe.head_matmul %nope, %attn_k_b heads 4
  // CHECK-SAME: (tensor<?x64xf32>, tensor<4x32x16xf32>) -> tensor<?x128xf32>
  // CHECK-NEXT: %[[SUM:.*]] = moe.latent_attention %[[LATENT]], %rope, %[[CACHE]], %positions heads 4 scale 2.500000e-01
  // CHECK-NEXT: %[[Y:.*]] = moe.head_matmul %[[SUM]], %attn_v_b heads 4
  // CHECK-SAME: (tensor<?x128xf32>, tensor<4x24x32xf32>) -> tensor<?x96xf32>
  // CHECK-NEXT: moe.yield %[[Y]]
  %y = moe.mla %x, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.5
      frequencies [1.0, 0.5, 0.25, 0.125]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x24x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x96xf32>
  moe.yield %y : tensor<?x96xf32>
}
