// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of the router and the experts.

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

// Routed experts have three dimensions.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 2 must be a weight with 3 dimensions}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// All experts are there.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 2 must be a weight of 8x32x64}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// Up is like gate,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x64x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 3 must be a weight of 4x32x64}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// and takes the same rows;
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64xf16>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 3 multiplies the same rows as another weight, but only one of them takes activations}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64xf16>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// so does the shared expert,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64xf16>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 4 multiplies the same rows as another weight, but only one of them takes activations}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64xf16>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// which is there if it has a width.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 4 must be there if and only if shared_width is not 0}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, none, none) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// The shared expert's shape.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<64x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 5 must be a weight of 32x64}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<64x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// Hidden numbers of two experts and the shared one.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: write 0 must be rows of 96 x f32}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

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

// Scratch stands in reads and in writes.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 10 is scratch, and must be write 1 too}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %r, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// A hidden row has room for the widest expert.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 64 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 12 must be rows of 32 x f32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 64 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}
