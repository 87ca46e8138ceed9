// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of programs, blocks, runs and stages.

// A program consists of buffers, blocks and runs.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'builtin.module' op cannot stand in a plan.program, only buffers, blocks and runs}}
  builtin.module {}
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// Runs come last.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @a {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @a
  // expected-error @below {{'plan.block' op must stand before the runs of its program}}
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
}

// -----

// Something runs.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
// expected-error @below {{'plan.program' op has no runs}}
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
}

// -----

// A block consists of weights, buffers and stages.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'builtin.module' op cannot stand in a plan.block, only weights, buffers and stages}}
    builtin.module {}
  }
  plan.run @b
}

// -----

// It has a stage.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.block' op has no stages}}
  plan.block @b {
    %w = plan.weight "w" : tensor<64xf32>
  }
  plan.run @b
}

// -----

// All weights of a layer's block are the layer's.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %v = plan.weight "blk.*.v" : tensor<64xf32>
    // expected-error @below {{'plan.weight' op of a block that is a layer's has no * in its name}}
    %w = plan.weight "w" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b layers 0 count 1
}

// -----

// A weight stands there once.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %v = plan.weight "w" : tensor<64xf32>
    // expected-error @below {{'plan.weight' op stands twice in its block}}
    %w = plan.weight "w" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// A block runs for some layers.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %w = plan.weight "blk.*.w" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // expected-error @below {{'plan.run' op the count of layers must not be zero}}
  plan.run @b layers 0 count 0
}

// -----

// A run has a block.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // expected-error @below {{'plan.run' op @c is not a block of the program}}
  plan.run @c
}

// -----

// A block of the same program.
plan.program @other phase decode {
  plan.block @b {
    plan.stage step {
    }
  }
  plan.run @b
}
plan.program @step phase decode {
  plan.block @a {
    plan.stage step {
    }
  }
  // expected-error @below {{'plan.run' op @b is not a block of the program}}
  plan.run @b
}

// -----

// A layer's block runs for layers,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %w = plan.weight "blk.*.w" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // expected-error @below {{'plan.run' op a layer's block runs for layers}}
  plan.run @b
}

// -----

// another runs once.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // expected-error @below {{'plan.run' op the block is no layer's}}
  plan.run @b layers 0 count 1
}

// -----

// A stage consists of dispatches.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'builtin.module' op cannot stand in a plan.stage, only dispatches}}
      builtin.module {}
    }
  }
  plan.run @b
}

// -----

// A decode step has no chunks.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.stage' op rows chunk do not exist in a decode program}}
    plan.stage chunk {
    }
  }
  plan.run @b
}

// -----

// Only a decode step has rows of a step.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @prompt_step phase prompt {
  plan.block @b {
    // expected-error @below {{'plan.stage' op rows step do not exist in a prompt program}}
    plan.stage step {
    }
  }
  plan.run @b
}
