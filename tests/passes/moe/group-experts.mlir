// RUN: strata-opt %s --moe-group-experts --split-input-file | FileCheck %s
// RUN: strata-opt %s --moe-group-experts --remark-format=emitRemark --remarks-filter-analyse=moe-group-experts --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS

// STATISTICS: remark: [Analysis] statistics | Category:moe-group-experts | grouped=4, shared=2

// CHECK-LABEL: moe.block @shared
moe.block @shared (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[N:.*]] = moe.rms_norm
  // CHECK-NOT: moe.experts
  // CHECK: %[[Y:.*]] = moe.grouped_experts %[[N]], %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps
  // CHECK-SAME: shared %ffn_gate_shexp, %ffn_up_shexp, %ffn_down_shexp residual %x
  // CHECK-NEXT: moe.yield %[[Y]]
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %sgate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sup = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %g = moe.gated_matmul %n, %sgate, %sup
    : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
  %s = moe.dequant_matmul %g, %sdown : (tensor<?x32xf32>, tensor<64x32x!moe.q8_0>) -> tensor<?x64xf32>
  %t = moe.add %r, %s : tensor<?x64xf32>
  %y = moe.add %x, %t : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// Sums in the other order.
// CHECK-LABEL: moe.block @swapped
moe.block @swapped (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[N:.*]] = moe.rms_norm
  // CHECK-NOT: moe.experts
  // CHECK: %[[Y:.*]] = moe.grouped_experts %[[N]], %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps
  // CHECK-SAME: shared %ffn_gate_shexp, %ffn_up_shexp, %ffn_down_shexp residual %x
  // CHECK-NEXT: moe.yield %[[Y]]
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %sgate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sup = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %g = moe.gated_matmul %n, %sgate, %sup
    : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
  %s = moe.dequant_matmul %g, %sdown : (tensor<?x32xf32>, tensor<64x32x!moe.q8_0>) -> tensor<?x64xf32>
  %t = moe.add %s, %r : tensor<?x64xf32>
  %y = moe.add %t, %x : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// A model without a shared expert.
// CHECK-LABEL: moe.block @routed
moe.block @routed (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[N:.*]] = moe.rms_norm
  // CHECK-NOT: moe.experts
  // CHECK: %[[Y:.*]] = moe.grouped_experts %[[N]], %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps residual %x
  // CHECK-NEXT: moe.yield %[[Y]]
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %y = moe.add %x, %r : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// What looks like a shared expert reads other rows: it is a residual like any other.
// CHECK-LABEL: moe.block @other_rows
moe.block @other_rows (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %[[S:.*]] = moe.dequant_matmul %{{.*}}, %ffn_down_shexp
  // CHECK: %[[T:.*]] = moe.grouped_experts %{{.*}}, %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps residual %[[S]]
  // CHECK: moe.add %x, %[[T]]
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %sgate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sup = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %g = moe.gated_matmul %x, %sgate, %sup
    : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
  %s = moe.dequant_matmul %g, %sdown : (tensor<?x32xf32>, tensor<64x32x!moe.q8_0>) -> tensor<?x64xf32>
  %t = moe.add %r, %s : tensor<?x64xf32>
  %y = moe.add %x, %t : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// -----

// STATISTICS: remark: [Analysis] statistics | Category:moe-group-experts | grouped=0, shared=0

// No residual follows.
// CHECK-LABEL: moe.block @no_residual
moe.block @no_residual (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.grouped_experts
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %sgate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sup = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %g = moe.gated_matmul %n, %sgate, %sup
    : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
  %s = moe.dequant_matmul %g, %sdown : (tensor<?x32xf32>, tensor<64x32x!moe.q8_0>) -> tensor<?x64xf32>
  %y = moe.add %r, %s : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// The experts' sum has another use.
// CHECK-LABEL: moe.block @used_twice
moe.block @used_twice (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.grouped_experts
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %t = moe.add %x, %r : tensor<?x64xf32>
  %y = moe.mul %t, %r : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// So has the sum of routed and shared experts.
// CHECK-LABEL: moe.block @sum_used_twice
moe.block @sum_used_twice (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK-NOT: moe.grouped_experts
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %norm = moe.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %r = moe.experts %n, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  %sgate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sup = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %sdown = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %g = moe.gated_matmul %n, %sgate, %sup
    : (tensor<?x64xf32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> tensor<?x32xf32>
  %s = moe.dequant_matmul %g, %sdown : (tensor<?x32xf32>, tensor<64x32x!moe.q8_0>) -> tensor<?x64xf32>
  %t = moe.add %r, %s : tensor<?x64xf32>
  %h = moe.add %x, %t : tensor<?x64xf32>
  %y = moe.mul %t, %h : tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}
