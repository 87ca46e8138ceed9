// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of attention.

// A query is all heads' numbers.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<95x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<95x64xf32>) -> tensor<?x95xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the columns of the query (95) differ from the numbers of all heads (96)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x95xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// kv_a is a row of the cache.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<32x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // expected-error @below {{'moe.mla' op the columns of kv_a (32) differ from the latent and rotated numbers of the cache (40)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x32xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The norm is of the latent.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<40xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the numbers of the norm (40) differ from the latent numbers of the cache (32)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<40xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A frequency for each pair.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the frequencies (3) differ from the rotated pairs of the cache (4)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// k_b has a matrix for each head.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<2x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the matrices of k_b (2) differ from the heads (4)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<2x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// k_b makes latent numbers.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x16x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the rows of k_b (16) differ from the latent numbers of the cache (32)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x16x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// k_b reads what is not rotated.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x32xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the columns of k_b (32) differ from the numbers of a head that are not rotated (16)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x32xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// v_b has a matrix for each head.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<8x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the matrices of v_b (8) differ from the heads (4)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<8x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x128xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// v_b reads the latent.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x16xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op the columns of v_b (16) differ from the latent numbers of the cache (32)}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x16xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Attention gives the values of all heads.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %qw = moe.weight "qw" : tensor<96x64xf32>
  %kvw = moe.weight "kvw" : tensor<40x64xf32>
  %norm = moe.weight "norm" : tensor<32xf32>
  %k_b = moe.weight "k_b" : tensor<4x32x16xf32>
  %v_b = moe.weight "v_b" : tensor<4x16x32xf32>
  %q = moe.matmul %x, %qw : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  %kv_a = moe.matmul %x, %kvw : (tensor<?x64xf32>, tensor<40x64xf32>) -> tensor<?x40xf32>
  // expected-error @below {{'moe.mla' op failed to infer returned types}}
  // expected-error @below {{'moe.mla' op inferred type(s) 'tensor<?x64xf32>' are incompatible with return type(s) of operation 'tensor<?x32xf32>'}}
  %0 = moe.mla %q, %kv_a, %norm, %k_b, %v_b, %positions, %kv heads 4 nope 16 epsilon 1.0e-6 scale 0.25 magnitude 1.0
      frequencies [1.0, 1.0, 1.0, 1.0]
    : (tensor<?x96xf32>, tensor<?x40xf32>, tensor<32xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>, !moe.positions,
       !moe.kv<32, 8>) -> tensor<?x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A query is all heads' numbers.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.query_rope' op the columns of the query (64) differ from the numbers of all heads (96)}}
  %nope, %rope = moe.query_rope %x, %positions heads 4 nope 16 magnitude 1.0 frequencies [1.0, 1.0, 1.0, 1.0] :
      (tensor<?x64xf32>, !moe.positions) -> (tensor<?x64xf32>, tensor<?x32xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The parts of a query follow from its heads.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.query_rope' op failed to infer returned types}}
  // expected-error @below {{'moe.query_rope' op inferred type(s) 'tensor<?x32xf32>', 'tensor<?x32xf32>' are incompatible with return type(s) of operation 'tensor<?x48xf32>', 'tensor<?x16xf32>'}}
  %nope, %rope = moe.query_rope %x, %positions heads 4 nope 8 magnitude 1.0 frequencies [1.0, 1.0, 1.0, 1.0] :
      (tensor<?x64xf32>, !moe.positions) -> (tensor<?x48xf32>, tensor<?x16xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// kv_a is a row of the cache.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %norm = moe.weight "norm" : tensor<32xf32>
  // expected-error @below {{'moe.kv_append' op the columns of kv_a (64) differ from the latent and rotated numbers of the cache (40)}}
  %0 = moe.kv_append %x, %norm, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, 1.0, 1.0, 1.0] :
      tensor<?x64xf32>, tensor<32xf32>, !moe.kv<32, 8>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The norm is of the latent.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<56, 8>) {
  %norm = moe.weight "norm" : tensor<32xf32>
  // expected-error @below {{'moe.kv_append' op the numbers of the norm (32) differ from the latent numbers of the cache (56)}}
  %0 = moe.kv_append %x, %norm, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, 1.0, 1.0, 1.0] :
      tensor<?x64xf32>, tensor<32xf32>, !moe.kv<56, 8>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A frequency for each pair.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<56, 8>) {
  %norm = moe.weight "norm" : tensor<56xf32>
  // expected-error @below {{'moe.kv_append' op the frequencies (8) differ from the rotated pairs of the cache (4)}}
  %0 = moe.kv_append %x, %norm, %positions, %kv epsilon 1.0e-6 magnitude 1.0 frequencies [1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
      1.0, 1.0] : tensor<?x64xf32>, tensor<56xf32>, !moe.kv<56, 8>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A latent query is as wide as the cache, for all heads.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.latent_attention' op the columns of the latent query (64) differ from the latent numbers of the cache for all heads (128)}}
  %0 = moe.latent_attention %x, %x, %kv, %positions heads 4 scale 0.25 : tensor<?x64xf32>, tensor<?x64xf32>,
      !moe.kv<32, 8>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A rotated query is as wide as the cache, for all heads.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.latent_attention' op the columns of the rotated query (64) differ from the rotated numbers of the cache for all heads (16)}}
  %0 = moe.latent_attention %x, %x, %kv, %positions heads 2 scale 0.25 : tensor<?x64xf32>, tensor<?x64xf32>,
      !moe.kv<32, 8>
  moe.yield %x : tensor<?x64xf32>
}
