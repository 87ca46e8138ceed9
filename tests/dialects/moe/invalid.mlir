// RUN: strata-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// One case for every rule of types, hyper-parameters, weights and structure.

// A cache has latent numbers.
// expected-error @below {{a cache needs at least one latent number per position}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<0, 8>) {
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rotation is of pairs.
// expected-error @below {{the rotated numbers (7) must be pairs, at least one}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 7>) {
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Without layers there is no model.
// expected-error @below {{'layers' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 0, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without embedding there is no model.
// expected-error @below {{'embedding' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 0, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without vocabulary there is no model.
// expected-error @below {{'vocabulary' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 0,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without heads there is no model.
// expected-error @below {{'heads' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 0, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without latent there is no model.
// expected-error @below {{'latent' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 0, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without rope there is no model.
// expected-error @below {{'rope' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 0, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without nope there is no model.
// expected-error @below {{'nope' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 0, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without value there is no model.
// expected-error @below {{'value' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 0, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without expert groups there is no model.
// expected-error @below {{'expert_groups' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 0, expert_groups_used = 2, context_length = 256>} {}

// -----

// Without expert groups used there is no model.
// expected-error @below {{'expert_groups_used' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 0, context_length = 256>} {}

// -----

// Without context length there is no model.
// expected-error @below {{'context_length' must be at least 1}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 0>} {}

// -----

// Rotation is of pairs.
// expected-error @below {{'rope' (7) must be even: numbers are rotated in pairs}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 7, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Layers after the dense ones have experts.
// expected-error @below {{'experts' is 0, but layers from 'dense_layers' (1) on have experts}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 0, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Groups are equal.
// expected-error @below {{'experts' (9) must be a multiple of 'expert_groups' (4)}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 9, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Dense layers are layers.
// expected-error @below {{'dense_layers' (4) must be at most 'layers' (3)}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 4, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// A token goes to experts that there are.
// expected-error @below {{'experts_used' (9) must be at most 'experts' (8)}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 9, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 2, context_length = 256>} {}

// -----

// Groups used are groups.
// expected-error @below {{'expert_groups_used' (5) must be at most 'expert_groups' (4)}}
module attributes {moe.sizes = #moe.hyper_parameters<layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128,
    heads = 4, latent = 32, rope = 8, nope = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1,
    expert_groups = 4, expert_groups_used = 5, context_length = 256>} {}

// -----

// A weight has a name.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op a weight's name must not be empty}}
  %w = moe.weight "" : tensor<64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are whole blocks.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op rows of 48 numbers are not whole blocks of 32 numbers, as Q4_0 has them}}
  %w = moe.weight "w" : tensor<2x48x!moe.q4_0>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are whole blocks, of 256 numbers too.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op rows of 64 numbers are not whole blocks of 256 numbers, as Q6_K has them}}
  %w = moe.weight "w" : tensor<2x64x!moe.q6_k>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Sizes are 64-bit numbers.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op the size of 'tensor<4294967296x4294967296xf32>' is more than 64 bits hold}}
  %w = moe.weight "w" : tensor<4294967296x4294967296xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A weight's shape is known.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op result #0 must be static tensor of a known encoding, but got 'tensor<?x64xf32>'}}
  %w = moe.weight "w" : tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A weight is not empty.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op result #0 must be static tensor of a known encoding, but got 'tensor<0x64xf32>'}}
  %w = moe.weight "w" : tensor<0x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A weight has a dimension.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op result #0 must be static tensor of a known encoding, but got 'tensor<f32>'}}
  %w = moe.weight "w" : tensor<f32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A weight's encoding is known.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.weight' op result #0 must be static tensor of a known encoding, but got 'tensor<64xi8>'}}
  %w = moe.weight "w" : tensor<64xi8>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// * stands for a layer only in blocks.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  // expected-error @below {{'moe.weight' op '*' stands for a layer's number only inside 'moe.block'}}
  %w = moe.weight "blk.*.w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.matmul %0, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %1 : tensor<?x128xf32>
}

// -----

// * stands for a layer only in blocks; a layer knows its number.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    // expected-error @below {{'moe.weight' op '*' stands for a layer's number only inside 'moe.block'}}
    %norm = moe.weight "blk.*.attn_norm.weight" : tensor<64xf32>
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A model takes tokens and positions.
// expected-error @below {{'moe.model' op body takes (tensor<?xi32>, !moe.positions)}}
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%x: tensor<?x128xf32>, %positions: !moe.positions) {
  moe.return %x : tensor<?x128xf32>
}

// -----

// A model returns a logit for each token.
// expected-error @below {{'moe.model' op returns rows of 64 logits, but its vocabulary has 128 tokens}}
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  moe.return %0 : tensor<?x64xf32>
}

// -----

// A model ends.
// expected-error @below {{'moe.model' op body must end in 'moe.return'}}
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  "other.end"() : () -> ()
}

// -----

// A block takes rows, positions and the cache.
// expected-error @below {{'moe.block' op body takes (tensor<?xExf32>, !moe.positions, !moe.kv)}}
moe.block @b (%x: tensor<?x64xf32>) {
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A block yields what it takes.
// expected-error @below {{'moe.block' op yields 'tensor<?x16xf32>', but its body takes 'tensor<?x64xf32>'}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %w = moe.weight "w" : tensor<16x64xf32>
  %0 = moe.matmul %x, %w : (tensor<?x64xf32>, tensor<16x64xf32>) -> tensor<?x16xf32>
  moe.yield %0 : tensor<?x16xf32>
}

// -----

// A block ends.
// expected-error @below {{'moe.block' op body must end in 'moe.yield'}}
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  "other.end"() : () -> ()
}

// -----

// A layer takes rows, positions and the cache.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layer' op body takes (tensor<?xExf32>, !moe.positions, !moe.kv)}}
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions) {
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A layer's body has arguments.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{a layer's body has arguments: the residual stream, positions and the cache}}
  %1 = moe.layer 0 (%0, %positions) as () {
    %w = moe.weight "w" : tensor<64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A layer's body takes what the layer is given.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layer' op is given 'tensor<?x64xf32>', but its body takes 'tensor<?x32xf32>'}}
  %1 = "moe.layer"(%0, %positions) <{index = 0 : i32}> ({
  ^bb0(%x: tensor<?x32xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>):
    moe.yield %x : tensor<?x32xf32>
  }) : (tensor<?x64xf32>, !moe.positions) -> tensor<?x64xf32>
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Layers are numbered from 0.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layer' op attribute 'index' failed to satisfy constraint: 32-bit signless integer attribute whose value is non-negative}}
  %1 = moe.layer -1 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    moe.yield %x : tensor<?x64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A layer sees nothing from outside.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    // expected-error @below {{use of undeclared SSA value name}}
    moe.yield %0 : tensor<?x64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Layers run a block.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layers' op runs @nothing, which is no 'moe.block'}}
  %1 = moe.layers @nothing(%0, %positions) from 0 count 3 : tensor<?x64xf32>
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Layers run a block, not a model.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layers' op runs @main, which is no 'moe.block'}}
  %1 = moe.layers @main(%0, %positions) from 0 count 3 : tensor<?x64xf32>
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// Layers are given what their block takes.
moe.block @b (%x: tensor<?x32xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  moe.yield %x : tensor<?x32xf32>
}
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layers' op is given 'tensor<?x64xf32>', but @b takes 'tensor<?x32xf32>'}}
  %1 = moe.layers @b(%0, %positions) from 0 count 3 : tensor<?x64xf32>
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// At least one layer runs.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  moe.yield %x : tensor<?x64xf32>
}
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  // expected-error @below {{'moe.layers' op attribute 'count' failed to satisfy constraint: 32-bit signless integer attribute whose value is positive}}
  %1 = moe.layers @b(%0, %positions) from 0 count 0 : tensor<?x64xf32>
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A layer yields, a model returns.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.layer 0 (%0, %positions) as (%x: tensor<?x64xf32>, %p: !moe.positions, %kv: !moe.kv<32, 8>) {
    // expected-error @below {{'moe.return' op expects parent op 'moe.model'}}
    moe.return %x : tensor<?x64xf32>
  }
  %2 = moe.matmul %1, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  moe.return %2 : tensor<?x128xf32>
}

// -----

// A model does not yield.
moe.model @main <layers = 3, dense_layers = 1, embedding = 64, vocabulary = 128, heads = 4, latent = 32, rope = 8, nope
    = 16, value = 16, experts = 8, experts_used = 3, shared_experts = 1, expert_groups = 4, expert_groups_used = 2,
    context_length = 256> (%tokens: tensor<?xi32>, %positions: !moe.positions) {
  %w = moe.weight "w" : tensor<128x64xf32>
  %0 = moe.embed %tokens, %w : (tensor<?xi32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %1 = moe.silu %0 : tensor<?x64xf32>
  // expected-error @below {{'moe.yield' op expects parent op to be one of 'moe.layer, moe.block'}}
  moe.yield %1 : tensor<?x64xf32>
}
