// RUN: strata-opt %s --convert-moe-to-plan="context=2147483647 split-positions=64" --split-input-file --verify-diagnostics

// Operations that cannot be a dispatch.

// An operation of another dialect in a layer.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{cannot stand here in a model that is planned}}
  builtin.module {
  }
  moe.yield %x : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Gate and up of a dense network.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %gate = moe.weight "blk.*.gate" : tensor<64x64x!moe.q4_0>
  %up = moe.weight "blk.*.up" : tensor<64x64xf16>
  // expected-error @below {{cannot be one dispatch: some of its weights are quantised in blocks and some are not, but they multiply the same rows}}
  %0 = moe.gated_matmul %x, %gate, %up : (tensor<?x64xf32>, tensor<64x64x!moe.q4_0>, tensor<64x64xf16>) -> tensor<?x64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Gate and up of experts.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %router = moe.weight "blk.*.router" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate" : tensor<4x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.up" : tensor<4x32x64xf16>
  %down = moe.weight "blk.*.down" : tensor<4x64x32xf16>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route sigmoid %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // expected-error @below {{cannot be one dispatch: some of its weights are quantised in blocks and some are not, but they multiply the same rows}}
  %0 = moe.grouped_experts %n, %ids, %weights, %gate, %up, %down residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64xf16>, tensor<4x64x32xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// More experts than the parameters of a dispatch can say.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %router = moe.weight "blk.*.router" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate" : tensor<4294967296x32x64x!moe.q4_0>
  %up = moe.weight "blk.*.up" : tensor<4294967296x32x64x!moe.q4_0>
  %down = moe.weight "blk.*.down" : tensor<4294967296x64x32xf16>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route sigmoid %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // expected-error @below {{has sizes beyond 32 bits}}
  %0 = moe.grouped_experts %n, %ids, %weights, %gate, %up, %down residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4294967296x32x64x!moe.q4_0>, tensor<4294967296x32x64x!moe.q4_0>, tensor<4294967296x64x32xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Prompts have room for the activations of a hidden row, even where none is needed.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "blk.*.norm" : tensor<64xf32>
  %router = moe.weight "blk.*.router" : tensor<4x64xf32>
  %gate = moe.weight "blk.*.gate" : tensor<4x48x64x!moe.q4_0>
  %up = moe.weight "blk.*.up" : tensor<4x48x64x!moe.q4_0>
  %down = moe.weight "blk.*.down" : tensor<4x64x48xf16>
  %n = moe.rms_norm %x, %norm epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  %l = moe.dequant_matmul %n, %router : (tensor<?x64xf32>, tensor<4x64xf32>) -> tensor<?x4xf32>
  %ids, %weights = moe.route sigmoid %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x4xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  // expected-error @below {{has 48 hidden numbers, which is no multiple of 32}}
  %0 = moe.grouped_experts %n, %ids, %weights, %gate, %up, %down residual %x :
      (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<4x48x64x!moe.q4_0>, tensor<4x48x64x!moe.q4_0>, tensor<4x64x48xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %0 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// 2^31 - 1 heads of 2^25 splits of 130 numbers: more than 63 bits.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<128, 8>) {
  %q = moe.weight "blk.*.q" : tensor<274877906816x64xf16>
  %r = moe.weight "blk.*.r" : tensor<17179869176x64xf16>
  %o = moe.weight "blk.*.o" : tensor<64x274877906816xf16>
  %0 = moe.dequant_matmul %x, %q : (tensor<?x64xf32>, tensor<274877906816x64xf16>) -> tensor<?x274877906816xf32>
  %1 = moe.dequant_matmul %x, %r : (tensor<?x64xf32>, tensor<17179869176x64xf16>) -> tensor<?x17179869176xf32>
  // expected-error @below {{has too many partial results; choose a smaller --context}}
  %2 = moe.latent_attention %0, %1, %kv, %positions heads 2147483647 scale 1.0 : tensor<?x274877906816xf32>, tensor<?x17179869176xf32>, !moe.kv<128, 8>
  %3 = moe.dequant_matmul %2, %o residual %x : (tensor<?x274877906816xf32>, tensor<64x274877906816xf16>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %3 : tensor<?x64xf32>
}
moe.model @main <layers = 1, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 128, rope = 8,
    nope = 16, value = 16, experts = 0, experts_used = 0, shared_experts = 0, expert_groups = 1,
    expert_groups_used = 1, context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "token_embd.weight" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layers @b(%0, %positions) from 0 count 1 : tensor<?x64xf32>
  %2 = moe.dequant_matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}
