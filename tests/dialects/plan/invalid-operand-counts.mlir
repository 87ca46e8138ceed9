// RUN: strata-opt %s --split-input-file --verify-diagnostics

// Every operation says how many operands it has.

// Operands that may be absent are counted.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.program @step phase decode {
  plan.block @b {
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x activation>
    %w = plan.weight "w" : tensor<32x64x!moe.q4_0>
    %y = plan.buffer "y" role intermediate in @decode : <step x 32 x f32>
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: reads 3 and writes 1 operands, got 2 and 1}}
      plan.dispatch matmul few on host reads(%x, %w) writes(%y) :
          (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op embed: reads 2 and writes 1 operands, got 1 and 0}}
      plan.dispatch embed few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op rms_norm: reads 2 and writes 1 operands, got 1 and 0}}
      plan.dispatch rms_norm few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op quantise: reads 1 and writes 1 operands, got 1 and 0}}
      plan.dispatch quantise few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op add: reads 2 and writes 1 operands, got 1 and 0}}
      plan.dispatch add few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op matmul: reads 3 and writes 1 operands, got 1 and 0}}
      plan.dispatch matmul few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op gated_matmul: reads 3 and writes 1 operands, got 1 and 0}}
      plan.dispatch gated_matmul few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op head_matmul: reads 2 and writes 1 operands, got 1 and 0}}
      plan.dispatch head_matmul few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op query_rope: reads 2 and writes 2 operands, got 1 and 0}}
      plan.dispatch query_rope few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op kv_append: reads 4 and writes 1 operands, got 1 and 0}}
      plan.dispatch kv_append few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_splits: reads 5 and writes 1 operands, got 1 and 0}}
      plan.dispatch attention_splits few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention: reads 5 and writes 1 operands, got 1 and 0}}
      plan.dispatch attention few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op attention_combine: reads 2 and writes 1 operands, got 1 and 0}}
      plan.dispatch attention_combine few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op route: reads 2 and writes 2 operands, got 1 and 0}}
      plan.dispatch route few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_gate_up: reads 6 and writes 1 operands, got 1 and 0}}
      plan.dispatch experts_gate_up few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts_down: reads 6 and writes 1 operands, got 1 and 0}}
      plan.dispatch experts_down few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}

// -----

plan.program @step phase decode {
  plan.block @b {
    plan.stage step {
      // expected-error @below {{'plan.dispatch' op experts: reads 14 and writes 5 operands, got 1 and 0}}
      plan.dispatch experts few on host reads(none) writes() : () -> ()
    }
  }
  plan.run @b
}
