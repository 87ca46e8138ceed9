// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of programs, blocks, runs, stages and buffers.

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

// A weight has a name.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight has a name, with at most one * in it}}
    %w = plan.weight "" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      plan.dispatch quantise few on host reads(%x) writes(%y) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// It is stored in whole blocks.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.weight' op a weight cannot be stored as 'tensor<33x!moe.q4_0>'}}
    %w = plan.weight "w" : tensor<33x!moe.q4_0>
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

// A buffer belongs to a plan.
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op needs the plan.settings of its module}}
    %z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// Intermediate values belong to a block,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op belongs to a block if its role is intermediate, and to the program if it is not}}
  %z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>
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

// others to the program.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op belongs to a block if its role is intermediate, and to the program if it is not}}
    %z = plan.buffer "z" role residual in @decode : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// Tokens are one number a row.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role tokens has one i32 a row}}
  %z = plan.buffer "z" role tokens in @decode : <step x 2 x i32>
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

// Logits are f32.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role logits has rows of f32}}
  %z = plan.buffer "z" role logits in @decode : <step x 64 x i32>
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

// Rows of a step belong to decoding.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase prompt {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op rows step do not exist in a prompt program}}
    %z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>
    plan.stage chunk {
    }
  }
  plan.run @b
}

// -----

// An offset for each encoding of activations.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op has an offset for i8, i16 and f32, got #plan.sizes<all = 0>}}
    %z = plan.buffer "z" role intermediate in @decode at <all = 0> : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// Offsets are aligned.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op offset 32 is not a multiple of 64}}
    %z = plan.buffer "z" role intermediate in @decode at <i8 = 0, i16 = 32, f32 = 0> : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// Rows have their arena.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @kv kind kv on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op @kv is not an arena of kind decode, where step buffers are}}
    %z = plan.buffer "z" role intermediate in @kv : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// A row has columns.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{a buffer must have columns, got 0}}
    %z = plan.buffer "z" role intermediate in @decode : <step x 0 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// Activations come in blocks.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{activations are quantised in blocks of 32, but a row has 33 columns}}
    %z = plan.buffer "z" role intermediate in @decode : <step x 33 x activation>
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
