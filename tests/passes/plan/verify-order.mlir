// RUN: strata-opt %s --plan-allocate-arenas --plan-verify --split-input-file --verify-diagnostics

// What stages and the cache leave for others. verify.mlir has the rules that need neither.

// What one chunk stage leaves in a buffer of a chunk, the next overwrites before another stage runs: the second cannot read it.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @chunk : <chunk x 64 x f32>
    plan.stage chunk {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%x) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<chunk x 64 x f32>
    }
    plan.stage chunk {
      // expected-error @below {{'plan.dispatch' op reads x before anything is written to it}}
      plan.dispatch add many on host reads(%x, %x) writes(%y) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x f32>
    }
    plan.stage output {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}
plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}

// -----

// Nor can a stage over the whole prompt.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    %x = plan.buffer "x" role intermediate in @chunk : <chunk x 64 x f32>
    %y = plan.buffer "y" role intermediate in @prompt : <prompt x 64 x f32>
    plan.stage chunk {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%x) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<chunk x 64 x f32>
    }
    plan.stage prompt {
      // expected-error @below {{'plan.dispatch' op reads x before anything is written to it}}
      plan.dispatch add many on host reads(%x, %x) writes(%y) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
    }
    plan.stage output {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}
plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}

// -----

// Rows of the whole prompt stay.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @weights kind weights on host in ram
plan.arena @decode kind decode on host in ram
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    %x = plan.buffer "x" role intermediate in @prompt : <prompt x 64 x f32>
    %y = plan.buffer "y" role intermediate in @prompt : <prompt x 64 x f32>
    plan.stage chunk {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%x) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<prompt x 64 x f32>
    }
    plan.stage prompt {
      plan.dispatch add many on host reads(%x, %x) writes(%y) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
    }
    plan.stage output {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}
plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}

// -----

// Attention reads what its own layer has appended to the cache.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.arena @kv kind kv on host in ram
%kv = plan.kv_cache in @kv layers 2 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.tensor "q.weight" in ram : tensor<32x64xf32>
plan.tensor "r.weight" in ram : tensor<8x64xf32>
plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  plan.block @all {
    %wq = plan.weight "q.weight" : tensor<32x64xf32>
    %wr = plan.weight "r.weight" : tensor<8x64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %q = plan.buffer "q" role intermediate in @decode : <step x 32 x f32>
    %r = plan.buffer "r" role intermediate in @decode : <step x 8 x f32>
    %a = plan.buffer "a" role intermediate in @decode : <step x 32 x f32>
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%x) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch matmul few on host reads(%x, %wq, none) writes(%q) : (!plan.buffer<step x 64 x f32>, tensor<32x64xf32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch matmul few on host reads(%x, %wr, none) writes(%r) : (!plan.buffer<step x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<step x 8 x f32>
      // expected-error @below {{'plan.dispatch' op reads the KV cache before anything is written to it}}
      plan.dispatch attention few on host reads(%q, %r, %kv, %positions, %sequences) writes(%a) with(#plan.attention<heads = 1, scale = 1.0 : f32, split_positions = 64>) :
          (!plan.buffer<step x 32 x f32>, !plan.buffer<step x 8 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 32 x f32>
      plan.dispatch embed few on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}
plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage output {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}

// -----

// The cache is a place in memory too.
plan.settings context 64 sequences 1 prompt_tokens 64 chunk_tokens 32 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on host in ram
plan.arena @prompt kind prompt on host in ram
plan.arena @chunk kind chunk on host in ram
plan.arena @kv kind kv on host in gpu
%kv = plan.kv_cache in @kv layers 2 blocks 1 blocks_per_sequence 1 block_positions 64 : <latent = 32, rope = 8>
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.tensor "k.weight" in ram : tensor<40x64xf32>
plan.tensor "n.weight" in ram : tensor<32xf32>
plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode : <step x 1 x i32>
  %positions = plan.buffer "positions" role positions in @decode : <step x 1 x i32>
  %sequences = plan.buffer "sequences" role sequences in @decode : <step x 1 x i32>
  %logits = plan.buffer "logits" role logits in @decode : <step x 64 x f32>
  plan.block @all {
    %wk = plan.weight "k.weight" : tensor<40x64xf32>
    %n = plan.weight "n.weight" : tensor<32xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %k = plan.buffer "k" role intermediate in @decode : <step x 40 x f32>
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%x) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch matmul few on host reads(%x, %wk, none) writes(%k) : (!plan.buffer<step x 64 x f32>, tensor<40x64xf32>) -> !plan.buffer<step x 40 x f32>
      // expected-error @below {{'plan.dispatch' op runs on host, which does not see the KV cache in gpu}}
      plan.dispatch kv_append few on host reads(%k, %n, %positions, %sequences) writes(%kv) with(#plan.kv_append<epsilon = 1.0e-6 : f32, frequencies = [1.0, 1.0, 1.0, 1.0], magnitude = 1.0 : f32>) :
          (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
      plan.dispatch embed few on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @all
}
plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt : <prompt x 1 x i32>
  %logits = plan.buffer "logits" role logits in @chunk : <output x 64 x f32>
  plan.block @all {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage output {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%logits) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @all
}
