// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of the router.

// A bias for each expert.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<4xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: read 1 must be a weight of 8}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<4xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// Groups are of equal size,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 2 of 3 groups of 8 experts}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 3, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// and not more are used than there are.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 5 of 4 groups of 8 experts}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 5, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// The groups in use have enough experts.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 5 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 5 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 5 experts of 2 groups of 2}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 5, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 5 x i32>, !plan.buffer<step x 5 x f32>)
    }
  }
  plan.run @b
}

// -----

// A choice has its experts,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 3 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: write 0 must be rows of 2 x i32}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 3 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// and a weight for each.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 3 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: write 1 must be rows of 2 x f32}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 3 x f32>)
    }
  }
  plan.run @b
}

// -----

// Scores are made of f32 rows.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x i32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: read 0 must be rows of 8 x f32}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x i32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// A bias is of f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf16>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: read 1 must be a weight of f32}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf16>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// There is a group,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 1 of 0 groups of 8 experts}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 0, groups_used = 1, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// one is used,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 0 of 4 groups of 8 experts}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 0, experts_used = 2, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}

// -----

// and one expert.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %l = plan.buffer "l" role intermediate in @decode : <step x 8 x f32>
    %b = plan.weight "b" : tensor<8xf32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %w = plan.buffer "w" role intermediate in @decode : <step x 2 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: cannot use 0 experts of 2 groups of 2}}
      plan.dispatch route few on host reads(%l, %b) writes(%i, %w) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 0, scale = 1.0 : f32, normalise = true>) :
          (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
    }
  }
  plan.run @b
}
