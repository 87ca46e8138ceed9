// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of attention.

// Attention reads the cache.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %k = plan.buffer "k" role intermediate in @decode : <step x 40 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: read 2 must be the KV cache}}
      plan.dispatch attention few on host reads(%q, %r, %k, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.buffer<step x 40 x f32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// An absorbed query for each head.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 32 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: read 0 must be rows of 64 x f32}}
      plan.dispatch attention few on host reads(%q, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A rotated one too.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 8 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: read 1 must be rows of 16 x f32}}
      plan.dispatch attention few on host reads(%a, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 8 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
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
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x f32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: read 3 must be rows of 1 x i32}}
      plan.dispatch attention few on host reads(%a, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
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
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 2 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: read 4 must be rows of 1 x i32}}
      plan.dispatch attention few on host reads(%a, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 2 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A result for each head.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: write 0 must be rows of 64 x f32}}
      plan.dispatch attention few on host reads(%q, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A split has positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 68 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_splits: needs plan.settings, and split_positions that are not zero}}
      plan.dispatch attention_splits few on host reads(%q, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 0>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
    }
  }
  plan.run @b
}

// -----

// Partial results of all splits: two heads, two splits of 32 positions, 34 numbers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 68 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_splits: write 0 must be rows of 136 x f32}}
      plan.dispatch attention_splits few on host reads(%q, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 32>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
    }
  }
  plan.run @b
}

// -----

// The context may end within a split: two splits of 48 positions for 64.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %a = plan.buffer "a" role intermediate in @decode : <step x 64 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %s = plan.buffer "s" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 68 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_splits: write 0 must be rows of 136 x f32}}
      plan.dispatch attention_splits few on host reads(%a, %r, %kv, %p, %s) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 48>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
    }
  }
  plan.run @b
}

// -----

// Combining has heads.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 65 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: write 0 must have the same columns for each head}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 65 x f32>
    }
  }
  plan.run @b
}

// -----

// It reads what the splits wrote.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: read 0 must be rows of 68 x f32}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Combining is for some heads,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: write 0 must have the same columns for each head}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 0, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// of splits with positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: needs plan.settings, and split_positions that are not zero}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 0>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// It needs positions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: read 1 must be rows of 1 x i32}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Its result is rows,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: write 0 must be a buffer}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%kv) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
    }
  }
  plan.run @b
}

// -----

// of f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 68 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: write 0 must be rows of 64 x f32}}
      plan.dispatch attention_combine few on host reads(%x, %p) writes(%y) with(#plan.attention<heads = 2, scale = 0.125 : f32, split_positions = 64>) :
          (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}
