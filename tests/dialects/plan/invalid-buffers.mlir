// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of buffers.

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

// Not floats.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role tokens has one i32 a row}}
  %z = plan.buffer "z" role tokens in @decode : <step x 1 x f32>
  plan.block @b {
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// So are positions,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role positions has one i32 a row}}
  %z = plan.buffer "z" role positions in @decode : <step x 2 x i32>
  plan.block @b {
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// and sequences.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role sequences has one i32 a row}}
  %z = plan.buffer "z" role sequences in @decode : <step x 2 x i32>
  plan.block @b {
    plan.stage step {
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

// So is the residual.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  // expected-error @below {{'plan.buffer' op with role residual has rows of f32}}
  %z = plan.buffer "z" role residual in @decode : <step x 64 x activation>
  plan.block @b {
    plan.stage step {
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

// All others belong to prompts.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op rows prompt do not exist in a decode program}}
    %z = plan.buffer "z" role intermediate in @prompt : <prompt x 64 x f32>
    plan.stage step {
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

// It exists.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op @nowhere is not an arena of kind decode, where step buffers are}}
    %z = plan.buffer "z" role intermediate in @nowhere : <step x 64 x f32>
    plan.stage step {
    }
  }
  plan.run @b
}

// -----

// A prompt's outlive its chunks,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @chunk kind chunk on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op @chunk is not an arena of kind prompt, where prompt buffers are}}
    %z = plan.buffer "z" role intermediate in @chunk : <prompt x 64 x f32>
    plan.stage chunk {
    }
  }
  plan.run @b
}

// -----

// a chunk's do not,
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op @prompt is not an arena of kind chunk, where chunk buffers are}}
    %z = plan.buffer "z" role intermediate in @prompt : <chunk x 64 x f32>
    plan.stage chunk {
    }
  }
  plan.run @b
}

// -----

// and nor do an output's.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @prompt kind prompt on host in ram
plan.program @prompt_step phase prompt {
  plan.block @b {
    // expected-error @below {{'plan.buffer' op @prompt is not an arena of kind chunk, where output buffers are}}
    %z = plan.buffer "z" role intermediate in @prompt : <output x 64 x f32>
    plan.stage output {
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
