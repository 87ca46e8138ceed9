// RUN: strata-opt %s --convert-kern-to-emitc --split-input-file --verify-diagnostics

// expected-error @below {{has 0 kernels: each is a unit of its own}}
module {
}

// -----

// An epilogue's arithmetic must exist in CUDA.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    // expected-error @below {{has no form in CUDA}}
    %0 = arith.negf %v : f32
    kern.store %0, %b[%r, %c] columns 4 : <f32, write>
  }
}
