// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of what a prompt does with experts.

// The choice has the experts that are used,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 3 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 1 must be rows of 2 x i32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 3 x i32>, !plan.buffer<prompt x 2 x f32>,
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

// and their weights.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 3 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 2 must be rows of 2 x f32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 3 x f32>,
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

// Gate, up,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %u = plan.weight "u" : tensor<4x64x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 4 must be a weight of 4x32x64}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %u, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x64x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// and down belong together.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x64x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 5 must be a weight of 4x64x32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x64x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// The shared expert has a gate
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 6 must be there if and only if shared_width is not 0}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
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

// and a down, if it has a width.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %sg = plan.weight "sg" : tensor<32x64x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 8 must be there if and only if shared_width is not 0}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, %sg, %sg, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 32>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, tensor<32x64x!moe.q4_0>,
           tensor<32x64x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// What is added to has the embedding's columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 32 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 9 must be rows of 64 x f32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 32 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 32 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// So has the result.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x activation>
    %i = plan.buffer "i" role intermediate in @prompt : <prompt x 2 x i32>
    %p = plan.buffer "p" role intermediate in @prompt : <prompt x 2 x f32>
    %g = plan.weight "g" : tensor<4x32x64x!moe.q4_0>
    %d = plan.weight "d" : tensor<4x64x32x!moe.q4_0>
    %r = plan.buffer "r" role intermediate in @prompt : <prompt x 64 x f32>
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 64 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    %y = plan.buffer "y" role intermediate in @prompt : <prompt x 32 x f32>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: write 0 must be rows of 64 x f32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%y, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 32 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}
