// RUN: strata-opt %s --split-input-file --verify-diagnostics

// One case for every rule of routing and experts.

// A bias is for each expert.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %bias = moe.weight "bias" : tensor<32xf32>
  // expected-error @below {{'moe.route' op the numbers of the bias (32) differ from the columns of the logits (64)}}
  %ids, %weights = moe.route sigmoid %x bias %bias groups 1 of 1 experts 3 scale 1.0 : (tensor<?x64xf32>,
      tensor<32xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Groups are equal.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.route' op 64 experts are not 5 equal groups}}
  %ids, %weights = moe.route sigmoid %x groups 1 of 5 experts 3 scale 1.0 : (tensor<?x64xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Groups used are groups.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.route' op uses 5 groups of 4}}
  %ids, %weights = moe.route sigmoid %x groups 5 of 4 experts 3 scale 1.0 : (tensor<?x64xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A group has two experts to be judged by.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.route' op groups are judged by their 2 best experts, but have 1}}
  %ids, %weights = moe.route sigmoid %x groups 8 of 64 experts 3 scale 1.0 : (tensor<?x64xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Experts used are in the groups used.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.route' op uses 9 experts of 8 in the groups used}}
  %ids, %weights = moe.route sigmoid %x groups 1 of 8 experts 9 scale 1.0 : (tensor<?x64xf32>) -> (tensor<?x9xi32>,
      tensor<?x9xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Results are as wide as the experts used.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  // expected-error @below {{'moe.route' op failed to infer returned types}}
  // expected-error @below {{'moe.route' op inferred type(s) 'tensor<?x2xi32>', 'tensor<?x2xf32>' are incompatible with return type(s) of operation 'tensor<?x3xi32>', 'tensor<?x3xf32>'}}
  %ids, %weights = moe.route sigmoid %x groups 1 of 1 experts 2 scale 1.0 : (tensor<?x64xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Gate and up have one shape.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x16x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.experts' op the shape of gate 'tensor<8x32x64xf32>' differs from that of up 'tensor<8x16x64xf32>'}}
  %0 = moe.experts %x, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x16x64xf32>, tensor<8x64x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Every id has a weight.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %more:2 = moe.route softmax %l groups 1 of 1 experts 3 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  // expected-error @below {{'moe.experts' op the ids of a row (2) differ from the weights of a row (3)}}
  %0 = moe.experts %x, %ids, %more#1, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x3xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>, tensor<8x64x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are as wide as the gate.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x32xf32>
  %up = moe.weight "up" : tensor<8x32x32xf32>
  %down = moe.weight "down" : tensor<8x32x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.experts' op the columns of the input (64) differ from the columns of the gate (32)}}
  %0 = moe.experts %x, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x32xf32>, tensor<8x32x32xf32>, tensor<8x32x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Every expert has a down matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<4x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.experts' op the matrices of the gate (8) differ from the matrices of down (4)}}
  %0 = moe.experts %x, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>, tensor<4x64x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Down makes rows of the input's width.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x32x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.experts' op the columns of the gate (64) differ from the rows of down (32)}}
  %0 = moe.experts %x, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>, tensor<8x32x32xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Down reads hidden rows.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x64xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.experts' op the rows of the gate (32) differ from the columns of down (64)}}
  %0 = moe.experts %x, %ids, %weights, %gate, %up, %down
    : tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>, tensor<8x64x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Gate and up have one shape.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x16x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the shape of gate 'tensor<8x32x64xf32>' differs from that of up 'tensor<8x16x64xf32>'}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x16x64xf32>,
        tensor<8x64x32xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Every id has a weight.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %more:2 = moe.route softmax %l groups 1 of 1 experts 3 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x3xi32>,
      tensor<?x3xf32>)
  // expected-error @below {{'moe.grouped_experts' op the ids of a row (2) differ from the weights of a row (3)}}
  %0 = moe.grouped_experts %x, %ids, %more#1, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x3xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are as wide as the gate.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x32xf32>
  %up = moe.weight "up" : tensor<8x32x32xf32>
  %down = moe.weight "down" : tensor<8x32x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the columns of the input (64) differ from the columns of the gate (32)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x32xf32>, tensor<8x32x32xf32>,
        tensor<8x32x32xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Every expert has a down matrix.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<4x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the matrices of the gate (8) differ from the matrices of down (4)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<4x64x32xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Down makes rows of the input's width.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x32x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the columns of the gate (64) differ from the rows of down (32)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x32x32xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Down reads hidden rows.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x64xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the rows of the gate (32) differ from the columns of down (64)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// A residual is like the result.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op the type of the residual 'tensor<?x8xf32>' differs from that of the result 'tensor<?x64xf32>'}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down residual %l
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The shared gate and up have one shape.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %sgate = moe.weight "sgate" : tensor<32x64xf32>
  %sup = moe.weight "sup" : tensor<16x64xf32>
  %sdown = moe.weight "sdown" : tensor<64x32xf32>
  // expected-error @below {{'moe.grouped_experts' op the shape of shared gate 'tensor<32x64xf32>' differs from that of shared up 'tensor<16x64xf32>'}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<32x64xf32>, tensor<16x64xf32>, tensor<64x32xf32>, tensor<?x64xf32>) ->
        tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Rows are as wide as the shared gate.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %sgate = moe.weight "sgate" : tensor<32x32xf32>
  %sup = moe.weight "sup" : tensor<32x32xf32>
  %sdown = moe.weight "sdown" : tensor<64x32xf32>
  // expected-error @below {{'moe.grouped_experts' op the columns of the input (64) differ from the columns of the shared gate (32)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>, tensor<64x32xf32>, tensor<?x64xf32>) ->
        tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Shared down makes rows of the input's width.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %sgate = moe.weight "sgate" : tensor<32x64xf32>
  %sup = moe.weight "sup" : tensor<32x64xf32>
  %sdown = moe.weight "sdown" : tensor<32x32xf32>
  // expected-error @below {{'moe.grouped_experts' op the columns of the shared gate (64) differ from the rows of shared down (32)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<32x64xf32>, tensor<32x64xf32>, tensor<32x32xf32>, tensor<?x64xf32>) ->
        tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// Shared down reads hidden rows.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %up = moe.weight "up" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  %sgate = moe.weight "sgate" : tensor<32x64xf32>
  %sup = moe.weight "sup" : tensor<32x64xf32>
  %sdown = moe.weight "sdown" : tensor<64x64xf32>
  // expected-error @below {{'moe.grouped_experts' op the rows of the shared gate (32) differ from the columns of shared down (64)}}
  %0 = moe.grouped_experts %x, %ids, %weights, %gate, %up, %down shared %sgate, %sup, %sdown residual %x
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
        tensor<8x64x32xf32>, tensor<32x64xf32>, tensor<32x64xf32>, tensor<64x64xf32>, tensor<?x64xf32>) ->
        tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}

// -----

// The shared expert has all its weights, or none.
moe.block @b (%x: tensor<?x64xf32>, %positions: !moe.positions, %kv: !moe.kv<32, 8>) {
  %router = moe.weight "router" : tensor<8x64xf32>
  %gate = moe.weight "gate" : tensor<8x32x64xf32>
  %down = moe.weight "down" : tensor<8x64x32xf32>
  %sgate = moe.weight "sgate" : tensor<32x64xf32>
  %l = moe.matmul %x, %router : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
  %ids, %weights = moe.route softmax %l groups 1 of 1 experts 2 scale 1.0 : (tensor<?x8xf32>) -> (tensor<?x2xi32>,
      tensor<?x2xf32>)
  // expected-error @below {{'moe.grouped_experts' op takes all three weights of the shared expert, or none}}
  %0 = "moe.grouped_experts"(%x, %ids, %weights, %gate, %gate, %down, %sgate, %x)
      <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 0, 0, 1>}>
    : (tensor<?x64xf32>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<8x32x64xf32>, tensor<8x32x64xf32>,
       tensor<8x64x32xf32>, tensor<32x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  moe.yield %x : tensor<?x64xf32>
}
