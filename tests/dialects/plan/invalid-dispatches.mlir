// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule that all dispatches and weights of a block have.

// A weight has a name,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight has a name, with at most one * in it}}
    %w = plan.weight "" : tensor<64xf32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// with one place for the layer's number.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight has a name, with at most one * in it}}
    %w = plan.weight "blk.*.*" : tensor<64xf32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// It is stored in whole blocks,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight cannot be stored as 'tensor<33x!moe.q4_0>'}}
    %w = plan.weight "w" : tensor<33x!moe.q4_0>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// in an encoding that a GGUF has,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight cannot be stored as 'tensor<64xi8>'}}
    %w = plan.weight "w" : tensor<64xi8>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// and has a shape.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op result #0 must be statically shaped tensor of any type values, but got 'tensor<?xf32>'}}
    %w = plan.weight "w" : tensor<?xf32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// A form belongs to a phase.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op form many does not belong to a decode program}}
      plan.dispatch quantise many on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// A prompt's sums have the other order.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <chunk x 64 x activation>
    plan.stage chunk {
      // expected-error @below {{'plan.dispatch' op form few does not belong to a prompt program}}
      plan.dispatch quantise few on host reads(%x) writes(%y) :
          (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// An output stage sees no chunk.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <output x 64 x activation>
    plan.stage output {
      // expected-error @below {{'plan.dispatch' op a stage over output rows does not see a buffer of chunk rows}}
      plan.dispatch quantise many on host reads(%x) writes(%y) :
          (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<output x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// A chunk sees no output,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <output x 64 x activation>
    plan.stage chunk {
      // expected-error @below {{'plan.dispatch' op a stage over chunk rows does not see a buffer of output rows}}
      plan.dispatch quantise many on host reads(%x) writes(%y) :
          (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<output x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// and nor does a whole prompt.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @chunk : <output x 64 x f32>
    %y = plan.buffer "y" role intermediate in @prompt : <prompt x 64 x activation>
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op a stage over prompt rows does not see a buffer of output rows}}
      plan.dispatch quantise many on host reads(%x) writes(%y) :
          (!plan.buffer<output x 64 x f32>) -> !plan.buffer<prompt x 64 x activation>
    }
  }
  plan.run @b
}
