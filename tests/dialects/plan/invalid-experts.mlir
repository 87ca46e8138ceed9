// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of what a decode step does with experts: gate and up,

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

// The choice has the experts that are used.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 3 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 1 must be rows of 2 x i32}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 3 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// Rows are what the weights take.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %su = plan.weight "su" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 0 must be rows of 64 x activation}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}

// -----

// Without a width there is no shared expert,
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
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 4 must be there if and only if shared_width is not 0}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, %su) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// and with one it has both.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %i = plan.buffer "i" role intermediate in @decode : <step x 2 x i32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x32x64x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %h = plan.buffer "h" role intermediate in @decode : <step x 96 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: read 5 must be there if and only if shared_width is not 0}}
      plan.dispatch experts_gate_up few on host reads(%x, %i, %g, %u, %sg, none) writes(%h) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
    }
  }
  plan.run @b
}
