// RUN: strata-opt %s --split-input-file --verify-diagnostics

// Every operation says which parameters it has, or that it has none.

// A table of parameters is what the operation asks for.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: needs parameters #plan.norm}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// One of another operation is not.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %w = plan.weight "w" : tensor<64xf32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: needs parameters #plan.norm}}
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%y) with(#plan.head<heads = 2>) :
          (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// Where there are none, none are given.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: takes no parameters}}
      plan.dispatch quantise few on host reads(%x) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) :
          (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @b
}

// -----

// head_matmul
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: needs parameters #plan.head}}
      plan.dispatch head_matmul few on host reads(none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// query_rope
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: needs parameters #plan.rope}}
      plan.dispatch query_rope few on host reads(none, none) writes(%y, %y) : () -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>)
    }
  }
  plan.run @b
}

// -----

// kv_append
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: needs parameters #plan.kv_append}}
      plan.dispatch kv_append few on host reads(none, none, none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// attention_splits
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_splits: needs parameters #plan.attention}}
      plan.dispatch attention_splits few on host reads(none, none, none, none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// attention
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: needs parameters #plan.attention}}
      plan.dispatch attention few on host reads(none, none, none, none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// attention_combine
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: needs parameters #plan.attention}}
      plan.dispatch attention_combine few on host reads(none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// route
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: needs parameters #plan.route}}
      plan.dispatch route few on host reads(none, none) writes(%y, %y) : () -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>)
    }
  }
  plan.run @b
}

// -----

// experts_gate_up
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: needs parameters #plan.expert}}
      plan.dispatch experts_gate_up few on host reads(none, none, none, none, none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// experts_down
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: needs parameters #plan.expert}}
      plan.dispatch experts_down few on host reads(none, none, none, none, none, none) writes(%y) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// experts
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts: needs parameters #plan.expert}}
      plan.dispatch experts few on host reads(none, none, none, none, none, none, none, none, none, none, none, none, none, none)
          writes(%y, %y, %y, %y, %y) :
          () -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>,
           !plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>)
    }
  }
  plan.run @b
}

// -----

// embed
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op embed: takes no parameters}}
      plan.dispatch embed few on host reads(none, none) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// add
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: takes no parameters}}
      plan.dispatch add few on host reads(none, none) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// matmul
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: takes no parameters}}
      plan.dispatch matmul few on host reads(none, none, none) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}

// -----

// gated_matmul
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: takes no parameters}}
      plan.dispatch gated_matmul few on host reads(none, none, none) writes(%y) with(#plan.norm<epsilon = 1.0e-6 : f32>) : () -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @b
}
