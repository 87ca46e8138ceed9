// RUN: strata-opt %s | FileCheck %s
// RUN: strata-opt %s | strata-opt | FileCheck %s
// RUN: strata-opt %s --mlir-print-op-generic | strata-opt | FileCheck %s
// RUN: strata-opt %s --verify-roundtrip --emit-bytecode | strata-opt | FileCheck %s

// Every operation once, with all its optional parts and without them.

// CHECK-LABEL: moe.block @kind
// CHECK-SAME: (%{{.*}}: tensor<?x64xf32>, %{{.*}}: !moe.positions, %{{.*}}: !moe.kv<32, 8>) {
moe.block @kind (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // CHECK: %attn_norm = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
  %attn_norm = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
  // CHECK: moe.rms_norm %{{.*}}, %attn_norm epsilon 9.99999997E-7 : tensor<?x64xf32>, tensor<64xf32>
  %n = moe.rms_norm %x, %attn_norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  // CHECK: moe.yield %{{.*}} : tensor<?x64xf32>
  moe.yield %n : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @expanded_attention
moe.block @expanded_attention (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %q_w = moe.weight "blk.*.attn_q.weight" : tensor<96x64xf32>
  %kv_w = moe.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
  %norm = moe.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
  %k_b = moe.weight "blk.*.attn_k_b.weight" : tensor<4x32x16xf32>
  %v_b = moe.weight "blk.*.attn_v_b.weight" : tensor<4x16x32xf32>
  // CHECK: moe.matmul %{{.*}}, %attn_q : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %q = moe.matmul %x, %q_w : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  // CHECK: moe.dequant_matmul %{{.*}}, %attn_kv_a_mqa : (tensor<?x64xf32>, tensor<40x64x!moe.q4_0>) -> tensor<?x40xf32>
  %kv_a = moe.dequant_matmul %x, %kv_w : (tensor<?x64xf32>, tensor<40x64x!moe.q4_0>) -> tensor<?x40xf32>
  // CHECK: moe.mla %{{.*}}, %{{.*}}, %attn_kv_a_norm, %attn_k_b, %attn_v_b, %{{.*}}, %{{.*}} heads 4 nope 16
  // CHECK-SAME: epsilon 9.99999997E-7 scale 2.500000e-01 magnitude 1.000000e+00
  // CHECK-SAME: frequencies [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01] :
  // CHECK-SAME: (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions, !moe.kv<32, 8>)
  // CHECK-SAME: -> tensor<?x64xf32>
  %a = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 0.5, 0.25, 0.125]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %a : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @absorbed_attention
moe.block @absorbed_attention (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %q_w = moe.weight "blk.*.attn_q.weight" : tensor<160x64x!moe.q8_0>
  %kv_w = moe.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_1>
  %norm = moe.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
  %k_b = moe.weight "blk.*.attn_k_b.weight" : tensor<4x32x32x!moe.q4_0>
  %v_b = moe.weight "blk.*.attn_v_b.weight" : tensor<4x16x32xf32>
  %q = moe.dequant_matmul %x, %q_w : (tensor<?x64xf32>, tensor<160x64x!moe.q8_0>) -> tensor<?x160xf32>
  %kv_a = moe.dequant_matmul %x, %kv_w : (tensor<?x64xf32>, tensor<40x64x!moe.q4_1>) -> tensor<?x40xf32>
  // CHECK: %nope, %rope = moe.query_rope %{{.*}}, %{{.*}} heads 4 nope 32 magnitude 1.000000e+00
  // CHECK-SAME: frequencies [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01] :
  // CHECK-SAME: (tensor<?x160xf32>, !moe.positions) -> (tensor<?x128xf32>, tensor<?x32xf32>)
  %nope, %rope = moe.query_rope %q, %positions heads 4 nope 32 magnitude 1.0 frequencies [1.0, 0.5, 0.25, 0.125]
    : (tensor<?x160xf32>, !moe.positions) -> (tensor<?x128xf32>, tensor<?x32xf32>)
  // CHECK: %[[CACHE:.*]] = moe.kv_append %{{.*}}, %attn_kv_a_norm, %{{.*}}, %{{.*}} epsilon 9.99999997E-7 magnitude 1.000000e+00
  // CHECK-SAME: frequencies [{{.*}}] : tensor<?x40xf32>, tensor<32xf32>, !moe.kv<32, 8>
  %cache = moe.kv_append %kv_a, %norm, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, 0.5, 0.25, 0.125]
    : tensor<?x40xf32>, tensor<32xf32>, !moe.kv<32, 8>
  // CHECK: %[[LATENT:.*]] = moe.dequant_head_matmul %nope, %attn_k_b heads 4 :
  // CHECK-SAME: (tensor<?x128xf32>, tensor<4x32x32x!moe.q4_0>) -> tensor<?x128xf32>
  %latent = moe.dequant_head_matmul %nope, %k_b heads 4
    : (tensor<?x128xf32>, tensor<4x32x32x!moe.q4_0>) -> tensor<?x128xf32>
  // CHECK: moe.latent_attention %[[LATENT]], %rope, %[[CACHE]], %{{.*}} heads 4 scale 2.500000e-01 :
  // CHECK-SAME: tensor<?x128xf32>, tensor<?x32xf32>, !moe.kv<32, 8>
  %sum = moe.latent_attention %latent, %rope, %cache, %positions heads 4 scale 0.25
    : tensor<?x128xf32>, tensor<?x32xf32>, !moe.kv<32, 8>
  // CHECK: moe.head_matmul %{{.*}}, %attn_v_b heads 4 : (tensor<?x128xf32>, tensor<4x16x32xf32>) -> tensor<?x64xf32>
  %a = moe.head_matmul %sum, %v_b heads 4 : (tensor<?x128xf32>, tensor<4x16x32xf32>) -> tensor<?x64xf32>
  moe.yield %a : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @dense_network
moe.block @dense_network (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %gate = moe.weight "blk.*.ffn_gate.weight" : tensor<96x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up.weight" : tensor<96x64xf16>
  %down = moe.weight "blk.*.ffn_down.weight" : tensor<64x96x!moe.q4_1>
  // CHECK: %[[UP:.*]] = moe.dequant %ffn_up : (tensor<96x64xf16>) -> tensor<96x64xf32>
  %up_f32 = moe.dequant %up : (tensor<96x64xf16>) -> tensor<96x64xf32>
  %u = moe.matmul %x, %up_f32 : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  // CHECK: %[[SILU:.*]] = moe.silu %{{.*}} : tensor<?x96xf32>
  %s = moe.silu %u : tensor<?x96xf32>
  // CHECK: %[[MUL:.*]] = moe.mul %[[SILU]], %{{.*}} : tensor<?x96xf32>
  %m = moe.mul %s, %u : tensor<?x96xf32>
  // CHECK: %[[GATED:.*]] = moe.gated_matmul %{{.*}}, %ffn_gate, %ffn_up :
  // CHECK-SAME: (tensor<?x64xf32>, tensor<96x64x!moe.q4_0>, tensor<96x64xf16>) -> tensor<?x96xf32>
  %g = moe.gated_matmul %x, %gate, %up
    : (tensor<?x64xf32>, tensor<96x64x!moe.q4_0>, tensor<96x64xf16>) -> tensor<?x96xf32>
  // CHECK: %[[ADD:.*]] = moe.add %[[MUL]], %[[GATED]] : tensor<?x96xf32>
  %a = moe.add %m, %g : tensor<?x96xf32>
  // CHECK: moe.dequant_matmul %[[ADD]], %ffn_down residual %{{.*}} :
  // CHECK-SAME: (tensor<?x96xf32>, tensor<64x96x!moe.q4_1>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %y = moe.dequant_matmul %a, %down residual %x
    : (tensor<?x96xf32>, tensor<64x96x!moe.q4_1>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// CHECK-LABEL: moe.block @experts
moe.block @experts (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
  %bias = moe.weight "blk.*.exp_probs_b.bias" : tensor<8xf32>
  %gate = moe.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_1>
  %shared_gate = moe.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
  %shared_up = moe.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
  %shared_down = moe.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q8_0>
  %logits = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  // CHECK: %ids, %weights = moe.route sigmoid %{{.*}} bias %exp_probs_b groups 2 of 4 experts 3 scale 2.500000e+00 normalise :
  // CHECK-SAME: (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>)
  %ids, %weights = moe.route sigmoid %logits bias %bias groups 2 of 4 experts 3 scale 2.5 normalise
    : (tensor<?x8xf32>, tensor<8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>)
  // CHECK: %ids_0, %weights_1 = moe.route softmax %{{.*}} groups 1 of 1 experts 2 scale 1.000000e+00 :
  // CHECK-SAME: (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plain_ids, %plain_weights = moe.route softmax %logits groups 1 of 1 experts 2 scale 1.0
    : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // CHECK: moe.experts %{{.*}}, %ids_0, %weights_1, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps : tensor<?x64xf32>,
  // CHECK-SAME: tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<8x64x32x!moe.q4_1>
  %r = moe.experts %x, %plain_ids, %plain_weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
      tensor<8x64x32x!moe.q4_1>
  // CHECK: %[[PLAIN:.*]] = moe.grouped_experts %{{.*}}, %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps residual %{{.*}} :
  %g = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %r
    : (tensor<?x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
       tensor<8x64x32x!moe.q4_1>, tensor<?x64xf32>) -> tensor<?x64xf32>
  // CHECK: moe.grouped_experts %{{.*}}, %ids, %weights, %ffn_gate_exps, %ffn_up_exps, %ffn_down_exps
  // CHECK-SAME: shared %ffn_gate_shexp, %ffn_up_shexp, %ffn_down_shexp residual %[[PLAIN]] :
  %y = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %shared_gate, %shared_up, %shared_down residual %g
    : (tensor<?x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>,
       tensor<8x64x32x!moe.q4_1>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<64x32x!moe.q8_0>,
       tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %y : tensor<?x64xf32>
}

// CHECK-LABEL: moe.model @main
// CHECK-SAME: <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope = 16,
// CHECK-SAME: value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
// CHECK-SAME: context_length = 256>
// CHECK-SAME: (%tokens: tensor<?xi32>, %positions: !moe.positions) {
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  // CHECK: %token_embd = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  // CHECK: %[[EMBEDDED:.*]] = moe.embed %tokens, %token_embd : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  // CHECK: %[[FIRST:.*]] = moe.layer 0 (%[[EMBEDDED]], %positions) as
  // CHECK-SAME: (%{{.*}}: tensor<?x64xf32>, %{{.*}}: !moe.positions, %{{.*}}: !moe.kv<32, 8>) {
  // CHECK-NEXT: moe.yield
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  // CHECK: moe.layers @experts(%[[FIRST]], %positions) from 1 count 2 : tensor<?x64xf32>
  %2 = moe.layers @experts(%1, %positions) from 1 count 2 : tensor<?x64xf32>
  %head = moe.weight "output.weight" : tensor<128x64xbf16>
  %logits = moe.dequant_matmul %2, %head : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
  // CHECK: moe.return %{{.*}} : tensor<?x128xf32>
  moe.return %logits : tensor<?x128xf32>
}
