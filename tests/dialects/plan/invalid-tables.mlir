// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of settings, arenas and the weight table.

// One set of settings.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{'plan.settings' op a module has one plan.settings}}
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// None of them is zero.
// expected-error @below {{'plan.settings' op sequences must be from 1 to 2147483647, got 0}}
plan.settings context 64 sequences 0 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// Not the context,
// expected-error @below {{'plan.settings' op context must be from 1 to 2147483647, got 0}}
plan.settings context 0 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// not a prompt,
// expected-error @below {{'plan.settings' op prompt_tokens must be from 1 to 2147483647, got 0}}
plan.settings context 64 sequences 1 prompt_tokens 0 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16

// -----

// and not a chunk.
// expected-error @below {{'plan.settings' op chunk_tokens must be from 1 to 2147483647, got 0}}
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 0 decode_activations i16 prompt_activations i8 kv f16

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

// Use alone says nothing.
// expected-error @below {{'plan.arena' op bytes and live are given together}}
plan.arena @weights kind weights on host in ram live <all = 64>

// -----

// An arena has a size for each encoding that it depends on.
// expected-error @below {{'plan.arena' op an arena of kind kv has 2 sizes, got #plan.sizes<all = 64>}}
plan.arena @kv kind kv on host in ram bytes <all = 64> live <all = 64>

// -----

// What is live has as many.
// expected-error @below {{'plan.arena' op an arena of kind kv has 2 sizes, got #plan.sizes<all = 64>}}
plan.arena @kv kind kv on host in ram bytes <f16 = 64, f32 = 64> live <all = 64>

// -----

// Buffers depend on how activations are encoded,
// expected-error @below {{'plan.arena' op an arena of kind chunk has 3 sizes, got #plan.sizes<f16 = 64, f32 = 64>}}
plan.arena @chunk kind chunk on host in ram bytes <f16 = 64, f32 = 64> live <f16 = 64, f32 = 64>

// -----

// and weights on nothing.
// expected-error @below {{'plan.arena' op an arena of kind weights has 1 sizes, got #plan.sizes<f16 = 64, f32 = 64>}}
plan.arena @weights kind weights on host in ram bytes <f16 = 64, f32 = 64> live <f16 = 64, f32 = 64>

// -----

// No more is used than there is.
// expected-error @below {{'plan.arena' op 65 bytes cannot be live in 64}}
plan.arena @weights kind weights on host in ram bytes <all = 64> live <all = 65>

// -----

// Under no encoding.
// expected-error @below {{'plan.arena' op 65 bytes cannot be live in 64}}
plan.arena @kv kind kv on host in ram bytes <f16 = 64, f32 = 64> live <f16 = 64, f32 = 65>

// -----

// Sizes are not negative.
// expected-error @below {{a size must not be negative, got -1}}
plan.arena @weights kind weights on host in ram bytes <all = -1> live <all = 0>

// -----

// Sizes are for the encodings, in their order.
// expected-error @below {{sizes must be for i8, i16, f32, or for f16, f32, or for all, in this order}}
plan.arena @kv kind kv on host in ram bytes <f32 = 1, f16 = 1> live <f16 = 1, f32 = 1>

// -----

// There are some,
// expected-error @below {{sizes must be for i8, i16, f32, or for f16, f32, or for all, in this order}}
plan.arena @kv kind kv on host in ram bytes <> live <>

// -----

// and not more than there are encodings.
// expected-error @below {{sizes must be for i8, i16, f32, or for f16, f32, or for all, in this order}}
plan.arena @chunk kind chunk on host in ram bytes <i8 = 1, i16 = 1, f32 = 1, all = 1> live <all = 1>

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

// -----

// Their encoding is one that a GGUF has,
// expected-error @below {{'plan.tensor' op a weight cannot be stored as 'tensor<64xi8>'}}
plan.tensor "w" in ram : tensor<64xi8>

// -----

// their size is a number of 63 bits,
// expected-error @below {{'plan.tensor' op a weight cannot be stored as 'tensor<4294967296x4294967296xf32>'}}
plan.tensor "w" in ram : tensor<4294967296x4294967296xf32>

// -----

// and known.
// expected-error @below {{'plan.tensor' op attribute 'type' failed to satisfy constraint: type attribute of statically shaped tensor of any type values}}
plan.tensor "w" in ram : tensor<?xf32>
