// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of what a decode step does with experts: down.

// Down mirrors gate and up.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x64x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 3 must be a weight of 4x64x32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x64x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// The shared down is there if it has a width.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 4 must be there if and only if shared_width is not 0}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, none, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// It takes the same rows.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32xf16>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 4 multiplies the same rows as another weight, but only one of them takes activations}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32xf16>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// What is added to has the embedding's columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 5 must be rows of 64 x f32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

// Down has three dimensions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 3 must be a weight with 3 dimensions}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// It reads the hidden numbers of all experts,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 0 must be rows of 96 x activation}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// which experts these are,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 1 must be rows of 2 x i32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x f32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// and their weights.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 3 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 2 must be rows of 2 x f32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 3 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Without a width there is no shared down.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 4 must be there if and only if shared_width is not 0}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// The shared down's shape.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<32x64x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: read 4 must be a weight of 64x32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%r) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<32x64x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// The result has the embedding's columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 2 x f32>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sd = plan.weight "sd" : tensor<64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: write 0 must be rows of 64 x f32}}
      plan.dispatch experts_down few on host reads(%h, %i, %p, %d, %sd, %r) writes(%y) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<4x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}
