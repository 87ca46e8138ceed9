// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of the KV cache.

// A cache has layers, blocks and positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op layers, blocks, blocks_per_sequence and block_positions must not be zero}}
%kv = plan.kv_cache in @kv layers 0 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// It has blocks,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op layers, blocks, blocks_per_sequence and block_positions must not be zero}}
%kv = plan.kv_cache in @kv layers 1 blocks 0 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// for each sequence,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op layers, blocks, blocks_per_sequence and block_positions must not be zero}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 0 block_positions 64 : <latent = 32, rope = 8>

// -----

// and they have positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{'plan.kv_cache' op layers, blocks, blocks_per_sequence and block_positions must not be zero}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 0 : <latent = 32, rope = 8>

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

// It exists.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{'plan.kv_cache' op @kv is not an arena of kind kv}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// A position has latent and rotated numbers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{a KV cache must have latent and rotated numbers, got 0 and 8}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 0, rope = 8>

// -----

// Both of them.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @kv kind kv on host in ram
// expected-error @below {{a KV cache must have latent and rotated numbers, got 32 and 0}}
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 0>
