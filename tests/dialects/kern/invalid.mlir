// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule.

// A CTA has whole warps.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    // expected-error @below {{a CTA has whole warps, at most 1024 threads, got 100}}
    launch <threads = 100, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// Not more threads than there are.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    // expected-error @below {{a CTA has whole warps, at most 1024 threads, got 2048}}
    launch <threads = 2048, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// There is a CTA.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    // expected-error @below {{grid_x and minimum_ctas must not be zero}}
    launch <threads = 128, grid_x = 0, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// Shared memory is limited.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    // expected-error @below {{a CTA has at most 98304 bytes of shared memory, got 98305}}
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 98305, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// A repeated launch has segments.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    // expected-error @below {{per_row and segment_rows must not be zero}}
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> repeat <group = 0, per_row = 0, segment_rows = 8> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// A repeated launch has a segment's number.
// expected-error @below {{'kern.func' op argument 1 must be an i32}}
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> repeat <group = 0, per_row = 8, segment_rows = 8> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// The last argument is the rows.
// expected-error @below {{'kern.func' op argument 2 must be an i32}}
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: f32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// Others are addresses.
// expected-error @below {{'kern.func' op argument 0 must be a pointer}}
kern.func @f(%a: i32, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a) : i32
}

// -----

// One main loop.
// expected-error @below {{'kern.func' op has 2 main loops instead of one}}
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// And not none.
// expected-error @below {{'kern.func' op has 0 main loops instead of one}}
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  %0 = kern.constant 1.0
}

// -----

// Nothing else stands there.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'arith.constant' op cannot stand in a kern.func, only constants and a main loop}}
  %0 = arith.constant 1.0 : f32
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// A table has numbers.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'kern.table' op has no numbers}}
  %0 = kern.table [] : !kern.pointer<f32, read>
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// They are f32.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'kern.table' op is read as f32}}
  %0 = kern.table [1.0] : !kern.pointer<i32, read>
  kern.main_loop "strata::g"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// An epilogue that is named is there.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'kern.main_loop' op has an epilogue if and only if its callee names it}}
  kern.main_loop "strata::g<1, epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write>
}

// -----

// One that is there is named.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'kern.main_loop' op has an epilogue if and only if its callee names it}}
  kern.main_loop "strata::g<epilogues>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    kern.store %v, %b[%r, %c] columns 4 : <f32, write>
  }
}

// -----

// It is handed what is there.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{'kern.main_loop' op hands operand 2 of 2 to its epilogue}}
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 2] (%v, %r, %c) {
    kern.store %v, %b[%r, %c] columns 4 : <f32, write>
  }
}

// -----

// It uses what it is handed.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0] (%v, %r, %c) {
    // expected-error @below {{'kern.store' op uses what the main loop does not hand to its epilogue}}
    kern.store %v, %b[%r, %c] columns 4 : <f32, write>
  }
}

// -----

// It computes.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    // expected-error @below {{'kern.constant' op cannot stand in an epilogue, only loads, stores and arithmetic}}
    %0 = kern.constant 1.0
  }
}

// -----

// It has a value, a row and a column.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  // expected-error @below {{an epilogue has a value, a row and a column}}
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r) {
    kern.store %v, %b[%r, %r] columns 4 : <f32, write>
  }
}

// -----

// What is written is a pointer that is written through.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    // expected-error @below {{'kern.store' op needs a pointer to f32 that is written}}
    kern.store %v, %a[%r, %c] columns 4 : <f32, read>
  }
}

// -----

// A matrix has columns.
kern.func @f(%a: !kern.pointer<f32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<f32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    // expected-error @below {{'kern.load' op a matrix has columns, got 0}}
    %0 = kern.load %a[%r, %c] columns 0 : <f32, read>
  }
}

// -----

// It is of f32.
kern.func @f(%a: !kern.pointer<i32, read>, %b: !kern.pointer<f32, write>, %rows: i32)
    launch <threads = 128, grid_x = 1, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 1> texts [] {
  kern.main_loop "strata::g<epilogue>"(%a, %b) : !kern.pointer<i32, read>, !kern.pointer<f32, write> epilogue [0, 1] (%v, %r, %c) {
    // expected-error @below {{'kern.load' op needs a pointer to f32}}
    %0 = kern.load %a[%r, %c] columns 4 : <i32, read>
  }
}
