// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of products.

// A matrix has two dimensions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<2x32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 1 must be a weight with 2 dimensions}}
      plan.dispatch matmul few on host reads(%x, %w, none) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<2x32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A weight in blocks takes activations,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 0 must be rows of 64 x activation}}
      plan.dispatch matmul few on host reads(%x, %w, none) writes(%y) :
          (!plan.buffer<step x 64 x f32>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// and one in numbers takes f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<32x64xf16>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 0 must be rows of 64 x f32}}
      plan.dispatch matmul few on host reads(%x, %w, none) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64xf16>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A residual has the result's columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<32x64x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 2 must be rows of 32 x f32}}
      plan.dispatch matmul few on host reads(%x, %w, %r) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Gate and up are alike.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %g = plan.weight "g" : tensor<32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<64x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: read 2 must be a weight of 32x64}}
      plan.dispatch gated_matmul few on host reads(%x, %g, %u) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>, tensor<64x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Both take what the row is.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %g = plan.weight "g" : tensor<32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<32x64xf16>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: read 2 multiplies the same rows as another weight, but only one of them takes activations}}
      plan.dispatch gated_matmul few on host reads(%x, %g, %u) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>, tensor<32x64xf16>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// There is a matrix for each head.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<3x16x32x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: read 1 must be a weight of 2x16x32}}
      plan.dispatch head_matmul few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 64 x activation>, tensor<3x16x32x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Heads stand side by side in the row.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 32 x activation>
    %w = plan.weight "w" : tensor<2x16x32x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: read 0 must be rows of 64 x activation}}
      plan.dispatch head_matmul few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 32 x activation>, tensor<2x16x32x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A result has a column for each row of the matrix.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: write 0 must be rows of 32 x f32}}
      plan.dispatch matmul few on host reads(%x, %w, none) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A matrix cannot be absent.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 1 must be a weight with 2 dimensions}}
      plan.dispatch matmul few on host reads(%x, none, none) writes(%y) :
          (!plan.buffer<step x 64 x activation>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A gate has two dimensions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %g = plan.weight "g" : tensor<2x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: read 1 must be a weight with 2 dimensions}}
      plan.dispatch gated_matmul few on host reads(%x, %g, %u) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<2x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// The row is what gate and up take.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %g = plan.weight "g" : tensor<32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: read 0 must be rows of 64 x activation}}
      plan.dispatch gated_matmul few on host reads(%x, %g, %u) writes(%y) :
          (!plan.buffer<step x 64 x f32>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// A hidden row has a column for each row of the gate.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %g = plan.weight "g" : tensor<32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: write 0 must be rows of 32 x f32}}
      plan.dispatch gated_matmul few on host reads(%x, %g, %u) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Matrices of heads are stacked.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<16x32x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: read 1 must be a weight with 3 dimensions}}
      plan.dispatch head_matmul few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 64 x activation>, tensor<16x32x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// So are their results in a row.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<2x16x32x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: write 0 must be rows of 32 x f32}}
      plan.dispatch head_matmul few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 64 x activation>, tensor<2x16x32x!moe.q4_0>) -> !plan.buffer<step x 16 x f32>
    }
  }
  plan.run @b
}
