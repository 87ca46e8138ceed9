// RUN: strata-opt %s --moe-verify-model --split-input-file --verify-diagnostics
// A model without problems; nothing changes.
// RUN: %python %S/Inputs/raw_model.py 3 1 | strata-opt > %t.before
// RUN: %python %S/Inputs/raw_model.py 3 1 | strata-opt --moe-verify-model --remark-format=emitRemark --remarks-filter-analyse=moe-verify-model -o %t.after 2>&1 | FileCheck %s --check-prefix=STATISTICS
// RUN: cmp %t.before %t.after

// STATISTICS: remark: [Analysis] statistics | Category:moe-verify-model | weights=52

// Layers: one is missing, and one stands where another is expected.

// expected-error @below {{the model has 9 problems}}
// expected-note @below {{the model has 1 layers, but the hyper-parameters say 2}}
moe.model @main <layers = 2, dense_layers = 2, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  // expected-note @below {{layer 1 stands where layer 0 is expected}}
  // expected-note @below {{layer 1 has no weight 'blk.1.attn_norm.weight'}}
  // expected-note @below {{layer 1 has no weight 'blk.1.attn_output.weight'}}
  // expected-note @below {{layer 1 has no weight 'blk.1.ffn_norm.weight'}}
  // expected-note @below {{layer 1 has no weight 'blk.1.ffn_gate.weight'}}
  // expected-note @below {{layer 1 has no weight 'blk.1.ffn_up.weight'}}
  // expected-note @below {{layer 1 has no weight 'blk.1.ffn_down.weight'}}
  // expected-note @below {{layer 1 has neither 'blk.1.attn_q.weight' nor 'blk.1.attn_q_b.weight'}}
  %1 = moe.layer 1 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %a = moe.weight "blk.1.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
    %b = moe.weight "blk.1.attn_kv_a_norm.weight" : tensor<32xf32>
    %c = moe.weight "blk.1.attn_k_b.weight" : tensor<4x32x16xf16>
    %d = moe.weight "blk.1.attn_v_b.weight" : tensor<4x16x32xf16>
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.dequant %w : (tensor<128x64x!moe.q4_0>) -> tensor<128x64xf32>
  %3 = moe.matmul %1, %2 : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}

// -----

// Weights: of another shape, of another rank, twice, of another layer, of no model.

// expected-error @below {{the model has 6 problems}}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  // expected-note @below {{weight 'token_embd.weight' has shape [160, 64], but the hyper-parameters make it [128, 64]}}
  %w = moe.weight "token_embd.weight" : tensor<160x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<160x64x!moe.q4_0>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %q = moe.weight "blk.0.attn_q.weight" : tensor<96x64xf16>
    %a = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    // expected-note @below {{weight 'blk.0.attn_norm.weight' is there twice}}
    %b = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    %c = moe.weight "blk.0.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
    %d = moe.weight "blk.0.attn_kv_a_norm.weight" : tensor<32xf32>
    // expected-note @below {{weight 'blk.0.attn_k_b.weight' has shape [128, 16], but the hyper-parameters make it [4, 32, 16]}}
    %e = moe.weight "blk.0.attn_k_b.weight" : tensor<128x16xf16>
    %f = moe.weight "blk.0.attn_v_b.weight" : tensor<4x16x32xf16>
    %g = moe.weight "blk.0.attn_output.weight" : tensor<64x64xf16>
    %h = moe.weight "blk.0.ffn_norm.weight" : tensor<64xf32>
    // Any width.
    %i = moe.weight "blk.0.ffn_gate.weight" : tensor<96x64xf16>
    %j = moe.weight "blk.0.ffn_up.weight" : tensor<96x64xf16>
    // expected-note @below {{weight 'blk.0.ffn_down.weight' has shape [96, 64], but the hyper-parameters make it [64, any]}}
    %k = moe.weight "blk.0.ffn_down.weight" : tensor<96x64xf16>
    // expected-note @below {{weight 'blk.3.ffn_norm.weight' is in layer 0}}
    %l = moe.weight "blk.3.ffn_norm.weight" : tensor<64xf32>
    // expected-note @below {{weight 'blk.0.attn_sinks.weight' is none that the model can have}}
    %m = moe.weight "blk.0.attn_sinks.weight" : tensor<64xf32>
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.weight "output.weight" : tensor<128x64xf32>
  %3 = moe.matmul %1, %2 : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}

// -----

// Cache, heads and router.

// expected-error @below {{the model has 9 problems}}
moe.model @main <layers = 1, dense_layers = 0, embedding = 64, vocabulary = 128, heads = 4, latent = 48, rope = 16,
    nope = 32, value = 16, experts = 8, experts_used = 2, shared_experts = 0, expert_groups = 4,
    expert_groups_used = 2, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  // expected-note @below {{the cache's latent numbers are 56, but the hyper-parameters make them 48}}
  // expected-note @below {{the cache's rotated numbers are 8, but the hyper-parameters make them 16}}
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<56, 8>) {
    %q = moe.weight "blk.0.attn_q_b.weight" : tensor<192x1536xf16>
    %a = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    %b = moe.weight "blk.0.attn_kv_a_mqa.weight" : tensor<64x64x!moe.q4_0>
    // expected-note @below {{weight 'blk.0.attn_kv_a_norm.weight' has shape [56], but the hyper-parameters make it [48]}}
    %c = moe.weight "blk.0.attn_kv_a_norm.weight" : tensor<56xf32>
    // expected-note @below {{weight 'blk.0.attn_k_b.weight' has shape [2, 56, 24], but the hyper-parameters make it [4, 48, 32]}}
    %d = moe.weight "blk.0.attn_k_b.weight" : tensor<2x56x24xf32>
    // expected-note @below {{weight 'blk.0.attn_v_b.weight' has shape [2, 32, 56], but the hyper-parameters make it [4, 16, 48]}}
    %e = moe.weight "blk.0.attn_v_b.weight" : tensor<2x32x56xf32>
    %f = moe.weight "blk.0.attn_output.weight" : tensor<64x64xf16>
    %g = moe.weight "blk.0.ffn_norm.weight" : tensor<64xf32>
    %h = moe.weight "blk.0.ffn_gate_inp.weight" : tensor<8x64xf32>
    %i = moe.weight "blk.0.ffn_gate_exps.weight" : tensor<8x32x64xf32>
    %j = moe.weight "blk.0.ffn_up_exps.weight" : tensor<8x32x64xf32>
    %k = moe.weight "blk.0.ffn_down_exps.weight" : tensor<8x64x32xf32>
    // expected-note @below {{the attention's heads are 2, but the hyper-parameters make them 4}}
    // expected-note @below {{the numbers of a head that are not rotated are 24, but the hyper-parameters make them 32}}
    %y = moe.mla %x, %x, %c, %d, %e, %p, %kv heads 2 nope 24 epsilon 1.0e-6 scale 0.25 magnitude 1.0
        frequencies [1.0, 0.5, 0.25, 0.125]
      : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<56xf32>, tensor<2x56x24xf32>, tensor<2x32x56xf32>, !moe.positions,
         !moe.kv<56, 8>) -> tensor<?x64xf32>
    %l = moe.matmul %y, %h : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    // expected-note @below {{the experts used are 3, but the hyper-parameters make them 2}}
    // expected-note @below {{the router's groups are 2, but the hyper-parameters make them 4}}
    %ids, %weights = moe.route softmax %l groups 2 of 2 experts 3 scale 1.0
      : (tensor<?x8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>)
    moe.yield %y : tensor<?x64xf32>
  }
  %2 = moe.dequant %w : (tensor<128x64x!moe.q4_0>) -> tensor<128x64xf32>
  %3 = moe.matmul %1, %2 : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}

// -----

// One problem is one; a layer with experts lacks its own weights, and its router the rest.

// expected-error @below {{the model has 1 problem}}
moe.model @main <layers = 1, dense_layers = 0, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 8, experts_used = 2, shared_experts = 1, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64x!moe.q4_0>) -> tensor<?x64xf32>
  // expected-note @below {{layer 0 has no weight 'blk.0.ffn_up_shexp.weight'}}
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    %q = moe.weight "blk.0.attn_q.weight" : tensor<96x64xf16>
    %a = moe.weight "blk.0.attn_norm.weight" : tensor<64xf32>
    %b = moe.weight "blk.0.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
    %c = moe.weight "blk.0.attn_kv_a_norm.weight" : tensor<32xf32>
    %d = moe.weight "blk.0.attn_k_b.weight" : tensor<4x32x16xf16>
    %e = moe.weight "blk.0.attn_v_b.weight" : tensor<4x16x32xf16>
    %f = moe.weight "blk.0.attn_output.weight" : tensor<64x64xf16>
    %g = moe.weight "blk.0.ffn_norm.weight" : tensor<64xf32>
    %h = moe.weight "blk.0.ffn_gate_inp.weight" : tensor<8x64xf32>
    %i = moe.weight "blk.0.ffn_gate_exps.weight" : tensor<8x32x64xf32>
    %j = moe.weight "blk.0.ffn_up_exps.weight" : tensor<8x32x64xf32>
    %k = moe.weight "blk.0.ffn_down_exps.weight" : tensor<8x64x32xf32>
    %l = moe.weight "blk.0.ffn_gate_shexp.weight" : tensor<32x64xf32>
    %m = moe.weight "blk.0.ffn_down_shexp.weight" : tensor<64x32xf32>
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.dequant %w : (tensor<128x64x!moe.q4_0>) -> tensor<128x64xf32>
  %3 = moe.matmul %1, %2 : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %3 : tensor<?x128xf32>
}
