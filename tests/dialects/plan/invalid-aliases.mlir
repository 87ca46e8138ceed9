// RUN: strata-opt %s --split-input-file --verify-diagnostics

// Which operands may be one buffer, and which positions may be absent.

// A residual's place may be taken.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      plan.dispatch add few on host reads(%x, %x) writes(%x) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A row that is summed over is not.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %w = plan.weight "w" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: read 0 must not be write 0 too}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%x) with(#plan.norm<epsilon = 1.000000e-06 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// A product's input is not its residual.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %w = plan.weight "w" : tensor<64x64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: read 0 must not be write 0 too}}
      plan.dispatch matmul few on host reads(%x, %w, %x) writes(%x) : (!plan.buffer<step x 64 x f32>, tensor<64x64xf32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Two results are two buffers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %q = plan.buffer "q" role intermediate in @decode : <step x 32 x f32>
    %p = plan.buffer "p" role intermediate in @decode : <step x 1 x i32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 16 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: write 1 is another write too}}
      plan.dispatch query_rope few on host reads(%q, %p) writes(%r, %r) with(#plan.rope<heads = 2, nope = 8, frequencies = [1.0, 0.5, 0.25, 0.125], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 16 x f32>, !plan.buffer<step x 16 x f32>)
    }
  }
  plan.run @b
}

// -----

// Positions that are absent ascend and exist.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 64 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @decode_step phase decode {
  plan.block @b {
    %w = plan.weight "w" : tensor<64x64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op absent must have the positions of absent reads, in ascending order}}
      "plan.dispatch"(%x, %w, %y) <{absent = array<i32: 3>, device = 0 : i32, form = 0 : i32, kind = 3 : i32, operandSegmentSizes = array<i32: 2, 1>}> : (!plan.buffer<step x 64 x f32>, tensor<64x64xf32>, !plan.buffer<step x 64 x f32>) -> ()
    }
  }
  plan.run @b
}
