// RUN: strata-opt %s --canonicalize | FileCheck %s
// RUN: strata-opt %s --cse | FileCheck %s --check-prefix=CSE

// f32 is its own decoded form.
// CHECK-LABEL: moe.block @dequant_of_f32
moe.block @dequant_of_f32 (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[W:.*]] = moe.weight
  // CHECK-NOT: moe.dequant
  // CHECK: moe.matmul %{{.*}}, %[[W]]
  %w = moe.weight "blk.*.w" : tensor<64x64xf32>
  %f = moe.dequant %w : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %y = moe.matmul %x, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// f16 is not: its numbers are other bytes.
// CHECK-LABEL: moe.block @dequant_of_f16
moe.block @dequant_of_f16 (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: moe.dequant %{{.*}} : (tensor<64x64xf16>) -> tensor<64x64xf32>
  %w = moe.weight "blk.*.w" : tensor<64x64xf16>
  %f = moe.dequant %w : (tensor<64x64xf16>) -> tensor<64x64xf32>
  %y = moe.matmul %x, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// What nobody reads goes, unless it writes the cache: later steps attend to that.
// CHECK-LABEL: moe.block @unused
moe.block @unused (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<56, 8>) {
  // CHECK-NOT: moe.silu
  // CHECK: moe.kv_append
  %0 = moe.silu %x : tensor<?x64xf32>
  %w = moe.weight "blk.*.attn_kv_a_norm.weight" : tensor<56xf32>
  %1 = moe.kv_append %x, %w, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, 0.5, 0.25, 0.125]
    : tensor<?x64xf32>, tensor<56xf32>, !moe.kv<56, 8>
  moe.yield %x : tensor<?x64xf32>
}

// Equal sums are one, in whichever order they are written; so are references to one weight.
// CSE-LABEL: moe.block @equal
moe.block @equal (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CSE-COUNT-1: moe.weight
  // CSE-NOT: moe.weight
  // CSE: %[[N:.*]] = moe.rms_norm
  // CSE-NOT: moe.rms_norm
  // CSE: %[[SUM:.*]] = moe.add %{{.*}}, %[[N]]
  // CSE-NEXT: moe.mul %[[SUM]], %[[SUM]]
  %w = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %v = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %w epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %m = moe.rms_norm %x, %v epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %a = moe.add %x, %n : tensor<?x64xf32>
  %b = moe.add %m, %x : tensor<?x64xf32>
  %c = moe.mul %a, %b : tensor<?x64xf32>
  moe.yield %c : tensor<?x64xf32>
}
