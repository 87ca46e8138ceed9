// RUN: strata-opt %s --plan-fuse-norms --split-input-file | FileCheck %s
// RUN: strata-opt %s --plan-fuse-norms --split-input-file --remark-format=emitRemark --remarks-filter-analyse=plan-fuse-norms -o /dev/null 2>&1 | FileCheck %s --check-prefix=STATISTICS
// Twice changes nothing more.
// RUN: strata-opt %s --plan-fuse-norms --split-input-file -o %t.once
// RUN: strata-opt %s --plan-fuse-norms --plan-fuse-norms --split-input-file | cmp - %t.once

// STATISTICS: fused=2, kept=1
// STATISTICS: fused=0, kept=0

// %n has no other reader and goes; %m is read as f32 too, and stays.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on gpu in gpu
plan.program @step phase decode {
  // CHECK-LABEL: plan.block @both
  plan.block @both {
    %w = plan.weight "output_norm.weight" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    // CHECK-NOT: "n"
    %n = plan.buffer "n" role intermediate in @decode : <step x 64 x f32>
    %nq = plan.buffer "nq" role intermediate in @decode : <step x 64 x activation>
    // CHECK: "m"
    %m = plan.buffer "m" role intermediate in @decode : <step x 64 x f32>
    %mq = plan.buffer "mq" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // CHECK: plan.stage step
      // CHECK-NEXT: plan.dispatch rms_norm_quantise few on gpu reads(%x, %output_norm.weight) writes(%nq) with(#plan.norm<epsilon = 1.000000e+00 : f32>)
      plan.dispatch rms_norm few on gpu reads(%x, %w) writes(%n) with (#plan.norm<epsilon = 1.0 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on gpu reads(%n) writes(%nq) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      // CHECK-NEXT: plan.dispatch rms_norm_both few on gpu reads(%x, %output_norm.weight) writes(%m, %mq) with(#plan.norm<epsilon = 2.000000e+00 : f32>)
      plan.dispatch rms_norm few on gpu reads(%x, %w) writes(%m) with (#plan.norm<epsilon = 2.0 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      // CHECK-NEXT: plan.dispatch add
      plan.dispatch add few on gpu reads(%m, %x) writes(%x) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on gpu reads(%m) writes(%mq) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      // CHECK-NEXT: }
    }
  }
  plan.run @both
}

// -----

// What must stay as it is: on the host; what another dispatch has written to since; an activation that is read before; what no norm made.
plan.settings context 64 sequences 1 prompt_tokens 8 chunk_tokens 4 decode_activations i16 prompt_activations i8 kv f16
plan.arena @decode kind decode on gpu in gpu
plan.program @step phase decode {
  // CHECK-LABEL: plan.block @host
  plan.block @host {
    %w = plan.weight "output_norm.weight" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 64 x f32>
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // CHECK: plan.dispatch rms_norm few on host
      // CHECK-NEXT: plan.dispatch quantise few on host
      plan.dispatch rms_norm few on host reads(%x, %w) writes(%n) with (#plan.norm<epsilon = 1.0 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on host reads(%n) writes(%q) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // CHECK-LABEL: plan.block @written
  plan.block @written {
    %w = plan.weight "output_norm.weight" : tensor<64xf32>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 64 x f32>
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // CHECK: plan.dispatch rms_norm few
      // CHECK-NEXT: plan.dispatch add
      // CHECK-NEXT: plan.dispatch quantise
      plan.dispatch rms_norm few on gpu reads(%x, %w) writes(%n) with (#plan.norm<epsilon = 1.0 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch add few on gpu reads(%n, %x) writes(%n) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on gpu reads(%n) writes(%q) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  // CHECK-LABEL: plan.block @read
  plan.block @read {
    %w = plan.weight "output_norm.weight" : tensor<64xf32>
    %m = plan.weight "output.weight" : tensor<64x64x!moe.q4_0>
    %x = plan.buffer "x" role intermediate in @decode : <step x 64 x f32>
    %n = plan.buffer "n" role intermediate in @decode : <step x 64 x f32>
    %y = plan.buffer "y" role intermediate in @decode : <step x 64 x f32>
    %q = plan.buffer "q" role intermediate in @decode : <step x 64 x activation>
    plan.stage step {
      // CHECK: plan.dispatch quantise few
      // CHECK-NEXT: plan.dispatch rms_norm few
      // CHECK-NEXT: plan.dispatch matmul few
      // CHECK-NEXT: plan.dispatch quantise few
      plan.dispatch quantise few on gpu reads(%x) writes(%q) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
      plan.dispatch rms_norm few on gpu reads(%x, %w) writes(%n) with (#plan.norm<epsilon = 1.0 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch matmul few on gpu reads(%q, %m, none) writes(%y) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
      plan.dispatch quantise few on gpu reads(%n) writes(%q) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
    }
  }
  plan.run @host
  plan.run @written
  plan.run @read
}
