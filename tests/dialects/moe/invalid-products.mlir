// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of norms, products and what reads weights.

// Decoding keeps the shape.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<2x32x!moe.q4_0>
  // expected-error @below {{'moe.dequant' op failed to infer returned types}}
  // expected-error @below {{'moe.dequant' op inferred type(s) 'tensor<2x32xf32>' are incompatible with return type(s) of operation 'tensor<2x64xf32>'}}
  %0 = moe.dequant %w : (tensor<2x32x!moe.q4_0>) -> tensor<2x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A product takes a matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<2x32x32x!moe.q4_0>
  // expected-error @below {{'moe.gated_matmul' op operand #1 must be matrix [N, K] of a known encoding, but got 'tensor<2x32x32x!moe.q4_0>'}}
  %0 = moe.gated_matmul %x, %w, %w : (tensor<?x64xf32>, tensor<2x32x32x!moe.q4_0>, tensor<2x32x32x!moe.q4_0>) ->
      tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The embedding gives its rows.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  // expected-error @below {{'moe.embed' op failed to infer returned types}}
  // expected-error @below {{'moe.embed' op inferred type(s) 'tensor<?x64xf32>' are incompatible with return type(s) of operation 'tensor<?x128xf32>'}}
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %0 : tensor<?x128xf32>
}

// -----

// Token ids are i32.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  // expected-error @below {{'moe.embed' op operand #0 must be token ids, tensor<?xi32>, but got 'tensor<128x64xf32>'}}
  %0 = moe.embed %w, %w : (tensor<128x64xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  moe.return %0 : tensor<?x64xf32>
}

// -----

// Rows are of f32, their number is not known.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<3x64xf32>
  // expected-error @below {{'moe.silu' op operand #0 must be rows of f32, tensor<?xKxf32>, but got 'tensor<3x64xf32>'}}
  %0 = moe.silu %w : tensor<3x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Norms are of the row's width.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<32xf32>
  // expected-error @below {{'moe.rms_norm' op the columns of the input (64) differ from the numbers of the weight (32)}}
  %0 = moe.rms_norm %x, %w epsilon 1.0e-6 : tensor<?x64xf32>, tensor<32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Norms are f32.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<64xf16>
  // expected-error @below {{'moe.rms_norm' op operand #1 must be vector [K] of f32, but got 'tensor<64xf16>'}}
  %0 = moe.rms_norm %x, %w epsilon 1.0e-6 : tensor<?x64xf32>, tensor<64xf16>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Epsilon is positive and finite, not 0.0.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<64xf32>
  // expected-error @below {{'moe.rms_norm' op attribute 'epsilon' failed to satisfy constraint: 32-bit float which is positive and finite}}
  %0 = moe.rms_norm %x, %w epsilon 0.0 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Epsilon is positive and finite, not -1.0e-6.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<64xf32>
  // expected-error @below {{'moe.rms_norm' op attribute 'epsilon' failed to satisfy constraint: 32-bit float which is positive and finite}}
  %0 = moe.rms_norm %x, %w epsilon -1.0e-6 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Epsilon is positive and finite, not 0x7F800000.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<64xf32>
  // expected-error @below {{'moe.rms_norm' op attribute 'epsilon' failed to satisfy constraint: 32-bit float which is positive and finite}}
  %0 = moe.rms_norm %x, %w epsilon 0x7F800000 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Epsilon is positive and finite, not 0x7FC00000.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<64xf32>
  // expected-error @below {{'moe.rms_norm' op attribute 'epsilon' failed to satisfy constraint: 32-bit float which is positive and finite}}
  %0 = moe.rms_norm %x, %w epsilon 0x7FC00000 : tensor<?x64xf32>, tensor<64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows of a product are as wide as the matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x32xf32>
  // expected-error @below {{'moe.matmul' op the columns of the input (64) differ from the columns of the weight (32)}}
  %0 = moe.matmul %x, %w : (tensor<?x64xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The matrix of a plain product is f32.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x64xf16>
  // expected-error @below {{'moe.matmul' op operand #1 must be matrix [N, K] of f32, but got 'tensor<16x64xf16>'}}
  %0 = moe.matmul %x, %w : (tensor<?x64xf32>, tensor<16x64xf16>) -> tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A product has the matrix' rows as columns.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x64xf32>
  // expected-error @below {{'moe.matmul' op failed to infer returned types}}
  // expected-error @below {{'moe.matmul' op inferred type(s) 'tensor<?x16xf32>' are incompatible with return type(s) of operation 'tensor<?x64xf32>'}}
  %0 = moe.matmul %x, %w : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows of a product are as wide as the encoded matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x32x!moe.q4_0>
  // expected-error @below {{'moe.dequant_matmul' op the columns of the input (64) differ from the columns of the weight (32)}}
  %0 = moe.dequant_matmul %x, %w : (tensor<?x64xf32>, tensor<16x32x!moe.q4_0>) -> tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A residual is like the result.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x64x!moe.q4_0>
  // expected-error @below {{'moe.dequant_matmul' op the type of the residual 'tensor<?x64xf32>' differs from that of the result 'tensor<?x16xf32>'}}
  %0 = moe.dequant_matmul %x, %w residual %x : (tensor<?x64xf32>, tensor<16x64x!moe.q4_0>, tensor<?x64xf32>) ->
      tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Gate and up have one shape.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x64x!moe.q4_0>
  %v = moe.weight "v" : tensor<32x64x!moe.q4_1>
  // expected-error @below {{'moe.gated_matmul' op the shape of gate 'tensor<16x64x!moe.q4_0>' differs from that of up 'tensor<32x64x!moe.q4_1>'}}
  %0 = moe.gated_matmul %x, %w, %v : (tensor<?x64xf32>, tensor<16x64x!moe.q4_0>, tensor<32x64x!moe.q4_1>) ->
      tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are as wide as the gate.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x32x!moe.q4_0>
  // expected-error @below {{'moe.gated_matmul' op the columns of the input (64) differ from the columns of the gate (32)}}
  %0 = moe.gated_matmul %x, %w, %w : (tensor<?x64xf32>, tensor<16x32x!moe.q4_0>, tensor<16x32x!moe.q4_0>) ->
      tensor<?x16xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A head has a matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<4x8x32xf32>
  // expected-error @below {{'moe.head_matmul' op the heads (2) differ from the matrices of the weight (4)}}
  %0 = moe.head_matmul %x, %w heads 2 : (tensor<?x64xf32>, tensor<4x8x32xf32>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A head's rows are as wide as its matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<4x8x32xf32>
  // expected-error @below {{'moe.head_matmul' op the columns of the input (64) differ from the columns of the weight for all heads (128)}}
  %0 = moe.head_matmul %x, %w heads 4 : (tensor<?x64xf32>, tensor<4x8x32xf32>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A head has a matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<4x8x32x!moe.q4_0>
  // expected-error @below {{'moe.dequant_head_matmul' op the heads (2) differ from the matrices of the weight (4)}}
  %0 = moe.dequant_head_matmul %x, %w heads 2 : (tensor<?x64xf32>, tensor<4x8x32x!moe.q4_0>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A head's rows are as wide as its matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<4x8x32x!moe.q4_0>
  // expected-error @below {{'moe.dequant_head_matmul' op the columns of the input (64) differ from the columns of the weight for all heads (128)}}
  %0 = moe.dequant_head_matmul %x, %w heads 4 : (tensor<?x64xf32>, tensor<4x8x32x!moe.q4_0>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Heads are counted from one.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<4x8x32xf32>
  // expected-error @below {{'moe.head_matmul' op attribute 'heads' failed to satisfy constraint: 32-bit signless integer attribute whose value is positive}}
  %0 = moe.head_matmul %x, %w heads 0 : (tensor<?x64xf32>, tensor<4x8x32xf32>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}
