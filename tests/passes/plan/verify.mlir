// A plan that can run, as it stands here; every RUN line but the first spoils one thing in it, and names the rule.
// RUN: strata-opt %s --plan-verify=ram-bytes=20480 -o /dev/null

// RUN: sed '/^plan.settings/d; /plan.program/,/^}/d; /kv_cache/d' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=SETTINGS
// SETTINGS: error: a plan needs plan.settings
// RUN: sed 's/^plan.program @prompt_step/plan.program @other/; /^plan.program @decode_step/,/^}/d' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=PHASES
// PHASES: error: a plan has one decode program, not 0
// RUN: sed '/^plan.program @prompt_step/,/^}/d' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-PROMPT
// NO-PROMPT: error: a plan has one prompt program, not 0
// RUN: sed '/^plan.settings/,/^plan.tensor "blk/d; s/_step phase/_again phase/' %s > %t.again
// RUN: cat %s %t.again | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: a plan has one decode program, not 2

// RUN: sed 's/ at <i8 = 64, i16 = 64, f32 = 64> : <step x 64/ : <step x 64/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=UNPLACED
// UNPLACED: error: 'plan.buffer' op has no offset, or its arena no size: run --plan-allocate-arenas before
// RUN: sed '/@decode kind/s/ bytes.*//' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=UNSIZED
// UNSIZED: error: 'plan.buffer' op has no offset, or its arena no size: run --plan-allocate-arenas before
// RUN: sed '/@decode kind/s/i16 = 960/i16 = 640/g' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: error: 'plan.buffer' op "share" is not inside its arena under i16
// RUN: sed 's/f32 = 320> : <step/f32 = 256> : <step/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=OVERLAP
// OVERLAP: error: 'plan.buffer' op "residual" overlaps "logits" while both are live, under f32
// OVERLAP: note: the other buffer

// RUN: sed 's/few on host reads(%%residual, %%residual)/few on host reads(%%residual, %%logits)/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=UNWRITTEN
// UNWRITTEN: error: 'plan.dispatch' op reads logits before anything is written to it
// RUN: sed 's/plan.run @embedding//' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-EMBEDDING
// NO-EMBEDDING: error: 'plan.dispatch' op reads residual before anything is written to it
// RUN: sed 's/writes(%%logits) : (!plan.buffer<step/writes(%%residual) : (!plan.buffer<step/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-LOGITS
// NO-LOGITS: error: 'plan.program' op writes no logits
// RUN: sed 's|// {ids}|plan.dispatch route few on host reads(%%residual, none) writes(%%tokens, %%share) with(#plan.route<gate = softmax, groups = 1, groups_used = 1, experts_used = 1, scale = 1.0 : f32, normalise = false>) : (!plan.buffer<step x 64 x f32>) -> (!plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x f32>)|' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=INPUT
// INPUT: error: 'plan.dispatch' op writes the input tokens

// RUN: sed 's/@decode kind decode on host in ram/@decode kind decode on host in gpu/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=INVISIBLE
// INVISIBLE: error: 'plan.dispatch' op runs on host, which does not see tokens in gpu
// RUN: sed 's/"token_embd.weight" in ram/"token_embd.weight" in disk/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=INVISIBLE-WEIGHT
// INVISIBLE-WEIGHT: error: 'plan.dispatch' op runs on host, which does not see "token_embd.weight" in disk
// RUN: sed 's/plan.tensor "token_embd.weight" in ram : tensor<16x/plan.tensor "token_embd.weight" in ram : tensor<17x/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-LINE
// NO-LINE: error: 'plan.weight' op "token_embd.weight" has no line in the weight table
// RUN: sed '/plan.run @layer/s/2$/3/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-LAYER
// NO-LAYER: error: 'plan.weight' op "blk.*.w" has no line in the weight table for layer 2
// RUN: sed '/^plan.tensor "blk/s/0 \(.*\) 2/1 \1 1/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=FIRST-LAYER
// FIRST-LAYER: error: 'plan.weight' op "blk.*.w" has no line in the weight table for layer 0
// RUN: sed 's/^plan.tensor "token_embd.weight"/plan.tensor "other.weight"/' %s | not strata-opt --plan-verify 2>&1 | FileCheck %s --check-prefix=NO-NAME
// NO-NAME: error: 'plan.weight' op "token_embd.weight" has no line in the weight table

// Layers may have lines of their own.
// RUN: sed '/^plan.tensor "blk/{s/0 \(.*\) 2/1 \1 1/; p; s/layers 1/layers 0/}' %s | strata-opt --plan-verify -o /dev/null

// What the settings choose is added up: 1024 + 1024 (f16) + 960 + 640 + 256.
// RUN: strata-opt %s --plan-verify=ram-bytes=7488 -o /dev/null
// RUN: not strata-opt %s --plan-verify=ram-bytes=7487 2>&1 | FileCheck %s --check-prefix=BUDGET
// BUDGET: error: the plan needs 7488 bytes of ram, but its budget is 7487; choose a smaller --context or a machine with more

plan.settings context 64 sequences 1 prompt_tokens 1 chunk_tokens 1 decode_activations i16 prompt_activations i8 kv f16
plan.arena @weights kind weights on host in ram bytes <all = 4608> live <all = 4608>
plan.arena @kv kind kv on host in ram bytes <f16 = 1024, f32 = 2048> live <f16 = 1024, f32 = 2048>
plan.arena @decode kind decode on host in ram bytes <i8 = 960, i16 = 960, f32 = 960> live <i8 = 960, i16 = 960, f32 = 960>
plan.arena @prompt kind prompt on host in ram bytes <i8 = 640, i16 = 640, f32 = 640> live <i8 = 640, i16 = 640, f32 = 640>
plan.arena @chunk kind chunk on host in ram bytes <i8 = 256, i16 = 256, f32 = 256> live <i8 = 256, i16 = 256, f32 = 256>
plan.tensor "token_embd.weight" in ram : tensor<16x64xf32>
plan.tensor "blk.*.w" layers 0 count 2 in ram : tensor<64xf32>

plan.program @decode_step phase decode {
  %tokens = plan.buffer "tokens" role tokens in @decode at <i8 = 0, i16 = 0, f32 = 0> : <step x 1 x i32>
  %residual = plan.buffer "residual" role residual in @decode at <i8 = 64, i16 = 64, f32 = 64> : <step x 64 x f32>
  %logits = plan.buffer "logits" role logits in @decode at <i8 = 384, i16 = 384, f32 = 320> : <step x 64 x f32>
  plan.block @embedding {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage step {
      plan.dispatch embed few on host reads(%tokens, %w) writes(%residual) : (!plan.buffer<step x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.block @layer {
    %w = plan.weight "blk.*.w" : tensor<64xf32>
    %share = plan.buffer "share" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 640> : <step x 1 x f32>
    %normed = plan.buffer "normed" role intermediate in @decode at <i8 = 704, i16 = 704, f32 = 704> : <step x 64 x f32>
    plan.stage step {
      // {ids}
      plan.dispatch rms_norm few on host reads(%residual, %w) writes(%normed) with(#plan.norm<epsilon = 1.0e-6 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.block @head {
    plan.stage step {
      plan.dispatch add few on host reads(%residual, %residual) writes(%logits) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
    }
  }
  plan.run @embedding
  plan.run @layer layers 0 count 2
  plan.run @head
}

plan.program @prompt_step phase prompt {
  %tokens = plan.buffer "tokens" role tokens in @prompt at <i8 = 0, i16 = 0, f32 = 0> : <prompt x 1 x i32>
  %residual = plan.buffer "residual" role residual in @prompt at <i8 = 64, i16 = 64, f32 = 64> : <prompt x 64 x f32>
  %logits = plan.buffer "logits" role logits in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <output x 64 x f32>
  plan.block @embedding {
    %w = plan.weight "token_embd.weight" : tensor<16x64xf32>
    plan.stage chunk {
      plan.dispatch embed many on host reads(%tokens, %w) writes(%residual) : (!plan.buffer<prompt x 1 x i32>, tensor<16x64xf32>) -> !plan.buffer<prompt x 64 x f32>
    }
  }
  plan.block @head {
    plan.stage output {
      plan.dispatch add many on host reads(%residual, %residual) writes(%logits) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<output x 64 x f32>
    }
  }
  plan.run @embedding
  plan.run @head
}
