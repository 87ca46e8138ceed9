// RUN: strata-opt %s --convert-kern-to-emitc | FileCheck %s
// RUN: strata-opt %s --convert-kern-to-emitc | mlir-translate --mlir-to-cpp | FileCheck %s --check-prefix=CUDA

// CHECK: emitc.verbatim "static __device__ const float frequencies[2] = {1.0f, 0.100000001f};"
// CUDA: static __device__ const float frequencies[2] = {1.0f, 0.100000001f};

// What happens to each number is a function of its own,
// CHECK: emitc.func @epilogue(%[[VALUE:.*]]: f32, %[[ROW:.*]]: !emitc.opaque<"unsigned">, %[[COLUMN:.*]]: !emitc.opaque<"unsigned">, %[[R:.*]]: !emitc.ptr<!emitc.opaque<"const float">>, %[[Y:.*]]: !emitc.ptr<!emitc.opaque<"float">>) attributes {specifiers = ["static", "__device__", "__forceinline__"]}
// CHECK-NEXT: %[[BEFORE:.*]] = call_opaque "strata::loadAt<96>"(%[[R]], %[[ROW]], %[[COLUMN]])
// CHECK-NEXT: %[[SUM:.*]] = add %[[VALUE]], %[[BEFORE]]
// CHECK-NEXT: %[[TWO:.*]] = literal "2.0f" : f32
// CHECK-NEXT: %[[TWICE:.*]] = mul %[[SUM]], %[[TWO]]
// CHECK-NEXT: call_opaque "strata::storeAt<96>"(%[[TWICE]], %[[Y]], %[[ROW]], %[[COLUMN]])
// CUDA: static __device__ __forceinline__ void epilogue(float [[VALUE:v[0-9]+]], unsigned [[ROW:v[0-9]+]], unsigned [[COLUMN:v[0-9]+]], const float* [[R:v[0-9]+]], float* [[Y:v[0-9]+]]) {
// CUDA-NEXT: float [[BEFORE:v[0-9]+]] = strata::loadAt<96>([[R]], [[ROW]], [[COLUMN]]);
// CUDA-NEXT: float [[SUM:v[0-9]+]] = [[VALUE]] + [[BEFORE]];

// and the entry calls the main loop with its name.
// CHECK: emitc.func @product({{.*}}) attributes {specifiers = ["extern \22C\22", "__global__", "__launch_bounds__(256, 2)"]}
// CUDA: extern "C" __global__ __launch_bounds__(256, 2) void product(const unsigned char* [[INPUT:v[0-9]+]], const float* [[RESIDUAL:v[0-9]+]], float* [[RESULT:v[0-9]+]], unsigned [[ROWS:v[0-9]+]]) {
// CUDA: strata::product<strata::Q4_0, 96, epilogue>([[INPUT]], [[ROWS]], 9.99999997e-07f, nullptr, frequencies, [[RESIDUAL]], [[RESULT]]);
kern.func @product(%input: !kern.pointer<bytes, read>, %residual: !kern.pointer<f32, read>, %result: !kern.pointer<f32, write>,
                   %rows: i32)
    launch <threads = 256, grid_x = 3, rows_per_cta = 1, shared_bytes = 0, minimum_ctas = 2> texts ["A.cuh"] {
  %0 = kern.constant 1.0e-6
  %1 = kern.null : !kern.pointer<f32, read>
  %2 = kern.table [1.0, 0.1] : !kern.pointer<f32, read>
  kern.main_loop "strata::product<strata::Q4_0, 96, epilogue>"(%input, %rows, %0, %1, %2, %residual, %result)
      : !kern.pointer<bytes, read>, i32, f32, !kern.pointer<f32, read>, !kern.pointer<f32, read>, !kern.pointer<f32, read>,
        !kern.pointer<f32, write> epilogue [5, 6] (%value, %row, %column) {
    %3 = kern.load %residual[%row, %column] columns 96 : <f32, read>
    %4 = arith.addf %value, %3 : f32
    %5 = arith.constant 2.0 : f32
    %6 = arith.mulf %4, %5 : f32
    kern.store %6, %result[%row, %column] columns 96 : <f32, write>
  }
}
