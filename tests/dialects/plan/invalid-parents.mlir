// RUN: strata-opt %s --split-input-file --verify-diagnostics

// Every operation has its place.

plan.program @step phase decode {
  // expected-error @below {{'plan.settings' op expects parent op 'builtin.module'}}
  plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
}

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.arena' op expects parent op 'builtin.module'}}
  plan.arena @decode kind decode on host in ram
}

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.kv_cache' op expects parent op 'builtin.module'}}
  %kv = plan.kv_cache in @kv layers 1 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
}

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.tensor' op expects parent op 'builtin.module'}}
  plan.tensor "w" in ram : tensor<64xf32>
}

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.program' op expects parent op 'builtin.module'}}
  plan.program @other phase decode {
  }
}

// -----

// expected-error @below {{'plan.block' op expects parent op 'plan.program'}}
plan.block @b {
}

// -----

// expected-error @below {{'plan.run' op expects parent op 'plan.program'}}
plan.run @b

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.stage' op expects parent op 'plan.block'}}
  plan.stage step {
  }
}

// -----

// expected-error @below {{'plan.buffer' op expects parent op to be one of 'plan.program, plan.block'}}
%z = plan.buffer "z" role intermediate in @decode : <step x 64 x f32>

// -----

plan.program @step phase decode {
  // expected-error @below {{'plan.weight' op expects parent op 'plan.block'}}
  %w = plan.weight "w" : tensor<64xf32>
}

// -----

plan.program @step phase decode {
  plan.block @b {
    // expected-error @below {{'plan.dispatch' op expects parent op 'plan.stage'}}
    plan.dispatch quantise few on host reads(none) writes() : () -> ()
  }
}
