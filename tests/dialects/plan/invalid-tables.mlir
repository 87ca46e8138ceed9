// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of settings, arenas, the cache and the weight table.

// One set of settings.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{'plan.settings' op a module has one plan.settings}}
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// None of them is zero.
// expected-error @below {{'plan.settings' op sequences must be from 1 to 2147483647, got 0}}
plan.settings context 64 sequences 0 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// None of them is too large for the tables.
// expected-error @below {{'plan.settings' op context must be from 1 to 2147483647, got 2147483648}}
plan.settings context 2147483648 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// A chunk is part of a prompt,
// expected-error @below {{'plan.settings' op chunk_tokens must be at most prompt_tokens, and that at most context}}
plan.settings context 64 sequences 1 prompt_tokens 16 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// and a prompt of the context.
// expected-error @below {{'plan.settings' op chunk_tokens must be at most prompt_tokens, and that at most context}}
plan.settings context 64 sequences 1 prompt_tokens 65 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// Size and use come together.
// expected-error @below {{'plan.arena' op bytes and live are given together}}
plan.arena @weights kind weights on host in ram bytes <all = 64>

// -----

// An arena has a size for each encoding that it depends on.
// expected-error @below {{'plan.arena' op an arena of kind kv has 2 sizes, got #plan.sizes<all = 64>}}
plan.arena @kv kind kv on host in ram bytes <all = 64> live <all = 64>

// -----

// No more is used than there is.
// expected-error @below {{'plan.arena' op 65 bytes cannot be live in 64}}
plan.arena @weights kind weights on host in ram bytes <all = 64> live <all = 65>

// -----

// Sizes are not negative.
// expected-error @below {{a size must not be negative, got -1}}
plan.arena @weights kind weights on host in ram bytes <all = -1> live <all = 0>

// -----

// Sizes are for the encodings, in their order.
// expected-error @below {{sizes must be for i8, i16, f32, or for f16, f32, or for all, in this order}}
plan.arena @kv kind kv on host in ram bytes <f32 = 1, f16 = 1> live <f16 = 1, f32 = 1>

// -----

// A cache has layers, blocks and positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op layers, blocks, blocks_per_sequence and block_positions must not be zero}}
%kv = plan.kv_cache in @kv layers 0 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// It belongs to a plan.
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op needs the plan.settings of its module}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// Each sequence has its blocks.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op 1 sequences of 1 blocks do not make 2 blocks}}
%kv = plan.kv_cache in @kv layers 1 blocks 2 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// They have room for the context.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op a sequence's blocks have no room for 64 positions}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 32 : <latent = 32, rope = 8>

// -----

// Its arena is one for caches.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind chunk on host in ram
// expected-error @below {{'plan.kv_cache' op @kv is not an arena of kind kv}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// A position has latent and rotated numbers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{a KV cache must have latent and rotated numbers, got 0 and 8}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 0, rope = 8>

// -----

// A weight has a name,
// expected-error @below {{'plan.tensor' op a weight has a name, with at most one * in it}}
plan.tensor "" in ram : tensor<64xf32>

// -----

// with one place for the layer's number.
// expected-error @below {{'plan.tensor' op a weight has a name, with at most one * in it}}
plan.tensor "blk.*.*" layers 0 count 1 in ram : tensor<64xf32>

// -----

// A weight of layers says of which,
// expected-error @below {{'plan.tensor' op layers are given if and only if the name has a *}}
plan.tensor "blk.*.w" in ram : tensor<64xf32>

// -----

// another does not.
// expected-error @below {{'plan.tensor' op layers are given if and only if the name has a *}}
plan.tensor "w" layers 0 count 1 in ram : tensor<64xf32>

// -----

// Not of none.
// expected-error @below {{'plan.tensor' op the count of layers must not be zero}}
plan.tensor "blk.*.w" layers 0 count 0 in ram : tensor<64xf32>

// -----

// Weights are stored in whole blocks.
// expected-error @below {{'plan.tensor' op a weight cannot be stored as 'tensor<2x33x!moe.q4_0>'}}
plan.tensor "w" in ram : tensor<2x33x!moe.q4_0>
