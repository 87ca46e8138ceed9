// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of the embedding, norms, activations and sums.

// An operand's element.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %t = plan.buffer "t" role intermediate in @decode : <step x 1 x f32>
    %w = plan.weight "w" : tensor<16x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op embed: read 0 must be rows of 1 x i32}}
      plan.dispatch embed few on host reads(%t, %w) writes(%y) :
          (!plan.buffer<step x 1 x f32>, tensor<16x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A result's columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %t = plan.buffer "t" role intermediate in @decode : <step x 1 x i32>
    %w = plan.weight "w" : tensor<16x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op embed: write 0 must be rows of 64 x f32}}
      plan.dispatch embed few on host reads(%t, %w) writes(%y) :
          (!plan.buffer<step x 1 x i32>, tensor<16x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A buffer where one is needed.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: read 0 must be a buffer}}
      plan.dispatch rms_norm few on host reads(%w, %w) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (tensor<64xf32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A norm's weight has the row's length,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<32xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: read 1 must be a weight of 64}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x f32>, tensor<32xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// and is of f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf16>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: read 1 must be a weight of f32}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf16>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Quantising keeps the columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: write 0 must be rows of 64 x activation}}
      plan.dispatch quantise few on host reads(%x) writes(%y) :
          (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 32 x activation>
    }
  }
  plan.run @b
}

// -----

// Sums are of equal rows.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %z = plan.buffer "z" role intermediate in @decode : <step x 32 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: read 1 must be rows of 64 x f32}}
      plan.dispatch add few on host reads(%x, %z) writes(%y) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A table of embeddings has two dimensions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %t = plan.buffer "t" role intermediate in @decode : <step x 1 x i32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op embed: read 1 must be a weight with 2 dimensions}}
      plan.dispatch embed few on host reads(%t, %w) writes(%y) :
          (!plan.buffer<step x 1 x i32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Norms are of f32 rows,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: read 0 must be rows of 64 x f32}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x activation>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// and keep the columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: write 0 must be rows of 64 x f32}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A row is quantised,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: read 0 must be a buffer}}
      plan.dispatch quantise few on host reads(%w) writes(%y) :
          (tensor<64xf32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// and was not before.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: read 0 must be rows of 64 x f32}}
      plan.dispatch quantise few on host reads(%x) writes(%y) :
          (!plan.buffer<step x 64 x activation>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// Numbers are added, not activations,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: read 0 must be rows of 64 x f32}}
      plan.dispatch add few on host reads(%x, %z) writes(%y) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// and the sum is as wide as they are.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: write 0 must be rows of 64 x f32}}
      plan.dispatch add few on host reads(%x, %z) writes(%y) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// An operand of a sum cannot be absent.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: read 1 must be rows of 64 x f32}}
      plan.dispatch add few on host reads(%x, none) writes(%y) :
          (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}
