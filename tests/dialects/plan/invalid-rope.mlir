// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of rotation and of what is appended to the cache.

// A head's query is what stays and what is rotated.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 40 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 32 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: read 0 must be rows of 48 x f32}}
      plan.dispatch query_rope few on host reads(%q, %p) writes(%n, %r) with(#plan.rope<heads = 2, nope = 16, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 16 x f32>)
    }
  }
  plan.run @b
}

// -----

// What stays.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 48 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 16 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: write 0 must be rows of 32 x f32}}
      plan.dispatch query_rope few on host reads(%q, %p) writes(%n, %r) with(#plan.rope<heads = 2, nope = 16, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 16 x f32>, !plan.buffer<step x 16 x f32>)
    }
  }
  plan.run @b
}

// -----

// What is rotated.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 48 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 32 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 8 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: write 1 must be rows of 16 x f32}}
      plan.dispatch query_rope few on host reads(%q, %p) writes(%n, %r) with(#plan.rope<heads = 2, nope = 16, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 8 x f32>)
    }
  }
  plan.run @b
}

// -----

// Rotation needs positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 48 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x f32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 32 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: read 1 must be rows of 1 x i32}}
      plan.dispatch query_rope few on host reads(%q, %p) writes(%n, %r) with(#plan.rope<heads = 2, nope = 16, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 48 x f32>, !plan.buffer<step x 1 x f32>) -> (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 16 x f32>)
    }
  }
  plan.run @b
}

// -----

// Rows are appended to the cache and nowhere else.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 40 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: write 0 must be the KV cache}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%y) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 40 x f32>
    }
  }
  plan.run @b
}

// -----

// A frequency for each rotated pair of the cache.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: has 2 frequencies for 8 rotated numbers}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// A row of the cache is latent and rotated numbers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 32 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: read 0 must be rows of 40 x f32}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 32 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// Latent numbers have a norm,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: read 1 must be a weight of 32}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<64xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// of f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<32xf16>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: read 1 must be a weight of f32}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf16>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// A row has a position,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: read 2 must be rows of 1 x i32}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// and a sequence.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: read 3 must be rows of 1 x i32}}
      plan.dispatch kv_append few on host reads(%x, %w, %p, %s) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x f32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}
