// RUN: strata-opt %s --plan-allocate-arenas --split-input-file --verify-diagnostics

// expected-error @below {{has no plan.settings: run --convert-moe-to-plan before}}
module {
}

// -----

// 2^31 - 1 layers of as many blocks of 64 positions.
plan.settings context 64 sequences 2147483647 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{arena kv would have more than 2^63 - 1 bytes; choose smaller --context, --sequences or --prompt-tokens}}
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 2147483647 blocks 2147483647 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>

// -----

// 2^31 - 1 rows of 2^64 bytes.
plan.settings context 2147483647 sequences 1 prompt_tokens 2147483647 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{arena prompt would have more than 2^63 - 1 bytes; choose smaller --context, --sequences or --prompt-tokens}}
plan.arena @prompt kind prompt on host in ram
plan.program @prompt_step phase prompt {
  %residual = plan.buffer "residual" role residual in @prompt : <prompt x 4611686018427387904 x f32>
  plan.block @b {
    plan.stage chunk {
    }
  }
  plan.run @b
}

// -----

// Every weight has a size of 63 bits, and there are two.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{arena weights would have more than 2^63 - 1 bytes; choose smaller --context, --sequences or --prompt-tokens}}
plan.arena @weights kind weights on host in ram
plan.tensor "blk.*.w" layers 0 count 2 in ram : tensor<1152921504606846976xf32>

// -----

// What all buffers have together must be a number, even where they could share.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
// expected-error @below {{arena decode would have more than 2^63 - 1 bytes; choose smaller --context, --sequences or --prompt-tokens}}
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 1152921504606846976 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 1152921504606846976 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}
