// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of norms and products.

// A table of parameters is what the operation asks for.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: needs parameters #plan.norm}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// One of another operation is not.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: needs parameters #plan.norm}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Where there are none, none are given.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: takes no parameters}}
      plan.dispatch quantise few on host reads(%x) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// Operands that may be absent are counted.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: reads 3 and writes 1 operands, got 2 and 1}}
      plan.dispatch matmul few on host reads(%x, %w) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

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
