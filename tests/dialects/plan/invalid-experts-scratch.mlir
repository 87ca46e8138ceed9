// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of the scratch that experts have in a prompt.

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

// -----

// The sum has them too.
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
    %sum = plan.buffer "sum" role intermediate in @prompt : <prompt x 32 x f32>
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x i32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 10 must be rows of 64 x f32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 32 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 32 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// A token has a place among an expert's rows.
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
    %rows = plan.buffer "rows" role intermediate in @prompt : <prompt x 1 x f32>
    %h = plan.buffer "h" role intermediate in @chunk : <chunk x 32 x f32>
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 11 must be rows of 1 x i32}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x f32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 32 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x f32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>)
    }
  }
  plan.run @b
}

// -----

// It is scratch,
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
    %other = plan.buffer "other" role intermediate in @prompt : <prompt x 1 x i32>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 11 is scratch, and must be write 2 too}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %other, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
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

// and so are hidden rows,
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
    %other = plan.buffer "other" role intermediate in @chunk : <chunk x 32 x f32>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 12 is scratch, and must be write 3 too}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %other, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
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

// and their activations,
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
    %other = plan.buffer "other" role intermediate in @chunk : <chunk x 32 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 13 is scratch, and must be write 4 too}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %other) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
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

// which are as wide.
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
    %hq = plan.buffer "hq" role intermediate in @chunk : <chunk x 64 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op experts: read 13 must be rows of 32 x activation}}
      plan.dispatch experts many on host reads(%x, %i, %p, %g, %g, %d, none, none, none, %r, %sum, %rows, %h, %hq)
          writes(%r, %sum, %rows, %h, %hq) with(#plan.expert<experts = 4, experts_used = 2, width = 32, shared_width = 0>) :
          (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>,
           tensor<4x32x64x!moe.q4_0>, tensor<4x32x64x!moe.q4_0>, tensor<4x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>,
           !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<chunk x 32 x f32>,
           !plan.buffer<chunk x 64 x activation>) ->
          (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 1 x i32>,
           !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 64 x activation>)
    }
  }
  plan.run @b
}
