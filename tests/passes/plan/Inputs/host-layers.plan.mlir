#kv_append = #plan.kv_append<epsilon = 9.99999997E-7 : f32, frequencies = [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01], magnitude = 1.000000e+00 : f32>
#rope = #plan.rope<heads = 2, nope = 32, frequencies = [1.000000e+00, 5.000000e-01, 2.500000e-01, 1.250000e-01], magnitude = 1.000000e+00 : f32>
module {
  plan.settings context 128 sequences 1 prompt_tokens 128 chunk_tokens 128 decode_activations i16 prompt_activations i8 kv f16
  plan.arena @weights kind weights on gpu in gpu bytes <all = 34880> live <all = 34720>
  plan.arena @kv kind kv on gpu in gpu bytes <f16 = 20480, f32 = 40960> live <f16 = 20480, f32 = 40960>
  plan.arena @decode kind decode on gpu in gpu bytes <i8 = 1472, i16 = 1472, f32 = 1600> live <i8 = 1320, i16 = 1320, f32 = 1320>
  plan.arena @prompt kind prompt on gpu in gpu bytes <i8 = 112640, i16 = 120832, f32 = 136192> live <i8 = 112640, i16 = 120832, f32 = 136192>
  plan.arena @chunk kind chunk on gpu in gpu bytes <i8 = 102400, i16 = 102400, f32 = 102400> live <i8 = 102400, i16 = 102400, f32 = 102400>
  plan.arena @experts kind experts on gpu in gpu bytes <all = 13824> live <all = 13824>
  plan.arena @weights_host kind weights on host in ram bytes <all = 39552> live <all = 39360>
  plan.arena @kv_host kind kv on host in ram bytes <f16 = 20480, f32 = 40960> live <f16 = 20480, f32 = 40960>
  plan.arena @decode_host kind decode on host in ram bytes <i8 = 1792, i16 = 1792, f32 = 1856> live <i8 = 1580, i16 = 1580, f32 = 1580>
  plan.arena @prompt_host kind prompt on host in ram bytes <i8 = 78336, i16 = 86528, f32 = 101888> live <i8 = 78336, i16 = 86528, f32 = 101888>
  plan.arena @chunk_host kind chunk on host in ram bytes <i8 = 102912, i16 = 102912, f32 = 102912> live <i8 = 102912, i16 = 102912, f32 = 102912>
  plan.arena @experts_host kind experts on host in ram bytes <all = 245760> live <all = 245760>
  %kv = plan.kv_cache in @kv layers 2 blocks 2 blocks_per_sequence 2 block_positions 64 : <latent = 32, rope = 8>
  %kv_0 = plan.kv_cache in @kv_host from 2 layers 2 blocks 2 blocks_per_sequence 2 block_positions 64 : <latent = 32, rope = 8>
  plan.tensor "token_embd.weight" in ram : tensor<128x64x!moe.q4_0>
  plan.tensor "output_norm.weight" in ram : tensor<64xf32>
  plan.tensor "output.weight" in ram : tensor<128x64x!moe.q4_0>
  plan.tensor "blk.*.attn_norm.weight" layers 0 count 2 in gpu : tensor<64xf32>
  plan.tensor "blk.*.attn_norm.weight" layers 2 count 2 in ram : tensor<64xf32>
  plan.tensor "blk.*.attn_q_a.weight" layers 0 count 2 in gpu : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.attn_q_a.weight" layers 2 count 2 in ram : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.attn_q_a_norm.weight" layers 0 count 2 in gpu : tensor<32xf32>
  plan.tensor "blk.*.attn_q_a_norm.weight" layers 2 count 2 in ram : tensor<32xf32>
  plan.tensor "blk.*.attn_q_b.weight" layers 0 count 2 in gpu : tensor<80x32x!moe.q4_0>
  plan.tensor "blk.*.attn_q_b.weight" layers 2 count 2 in ram : tensor<80x32x!moe.q4_0>
  plan.tensor "blk.*.attn_kv_a_mqa.weight" layers 0 count 2 in gpu : tensor<40x64x!moe.q4_0>
  plan.tensor "blk.*.attn_kv_a_mqa.weight" layers 2 count 2 in ram : tensor<40x64x!moe.q4_0>
  plan.tensor "blk.*.attn_kv_a_norm.weight" layers 0 count 2 in gpu : tensor<32xf32>
  plan.tensor "blk.*.attn_kv_a_norm.weight" layers 2 count 2 in ram : tensor<32xf32>
  plan.tensor "blk.*.attn_k_b.weight" layers 0 count 2 in gpu : tensor<2x32x32x!moe.q4_0>
  plan.tensor "blk.*.attn_k_b.weight" layers 2 count 2 in ram : tensor<2x32x32x!moe.q4_0>
  plan.tensor "blk.*.attn_v_b.weight" layers 0 count 2 in gpu : tensor<2x32x32x!moe.q4_0>
  plan.tensor "blk.*.attn_v_b.weight" layers 2 count 2 in ram : tensor<2x32x32x!moe.q4_0>
  plan.tensor "blk.*.attn_output.weight" layers 0 count 2 in gpu : tensor<64x64x!moe.q4_0>
  plan.tensor "blk.*.attn_output.weight" layers 2 count 2 in ram : tensor<64x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_norm.weight" layers 0 count 2 in gpu : tensor<64xf32>
  plan.tensor "blk.*.ffn_norm.weight" layers 2 count 2 in ram : tensor<64xf32>
  plan.tensor "blk.*.ffn_gate.weight" layers 0 count 1 in gpu : tensor<96x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_up.weight" layers 0 count 1 in gpu : tensor<96x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_down.weight" layers 0 count 1 in gpu : tensor<64x96x!moe.q4_0>
  plan.tensor "blk.*.ffn_gate_inp.weight" layers 1 count 1 in gpu : tensor<8x64xf32>
  plan.tensor "blk.*.ffn_gate_inp.weight" layers 2 count 2 in ram : tensor<8x64xf32>
  plan.tensor "blk.*.exp_probs_b.bias" layers 1 count 1 in gpu : tensor<8xf32>
  plan.tensor "blk.*.exp_probs_b.bias" layers 2 count 2 in ram : tensor<8xf32>
  plan.tensor "blk.*.ffn_gate_exps.weight" layers 1 count 3 by experts : tensor<8x32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_up_exps.weight" layers 1 count 3 by experts : tensor<8x32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_down_exps.weight" layers 1 count 3 by experts : tensor<8x64x32x!moe.q4_0>
  plan.tensor "blk.*.ffn_gate_shexp.weight" layers 1 count 1 in gpu : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_gate_shexp.weight" layers 2 count 2 in ram : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_up_shexp.weight" layers 1 count 1 in gpu : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_up_shexp.weight" layers 2 count 2 in ram : tensor<32x64x!moe.q4_0>
  plan.tensor "blk.*.ffn_down_shexp.weight" layers 1 count 1 in gpu : tensor<64x32x!moe.q4_0>
  plan.tensor "blk.*.ffn_down_shexp.weight" layers 2 count 2 in ram : tensor<64x32x!moe.q4_0>
  plan.program @decode_step phase decode {
    %tokens = plan.buffer "tokens" role tokens in @decode_host at <i8 = 1600, i16 = 1600, f32 = 1536> : <step x 1 x i32>
    %positions = plan.buffer "positions" role positions in @decode at <i8 = 1344, i16 = 1344, f32 = 256> : <step x 1 x i32>
    %positions.host = plan.buffer "positions.host" role positions in @decode_host at <i8 = 1664, i16 = 1664, f32 = 1600> : <step x 1 x i32>
    %sequences = plan.buffer "sequences" role sequences in @decode at <i8 = 1408, i16 = 1408, f32 = 320> : <step x 1 x i32>
    %sequences.host = plan.buffer "sequences.host" role sequences in @decode_host at <i8 = 1728, i16 = 1728, f32 = 1664> : <step x 1 x i32>
    %residual = plan.buffer "residual" role residual in @decode at <i8 = 384, i16 = 384, f32 = 0> : <step x 64 x f32>
    %residual.host = plan.buffer "residual.host" role residual in @decode_host at <i8 = 896, i16 = 896, f32 = 1280> : <step x 64 x f32>
    %logits = plan.buffer "logits" role logits in @decode_host at <i8 = 0, i16 = 0, f32 = 0> : <step x 128 x f32>
    plan.block @embedding {
      %token_embd.weight = plan.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
      %embedding.host = plan.buffer "embedding.host" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 64 x f32>
      plan.stage step {
        plan.dispatch embed few on host reads(%tokens, %token_embd.weight) writes(%embedding.host) : (!plan.buffer<step x 1 x i32>, tensor<128x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        %0 = plan.transfer %embedding.host to %residual : <step x 64 x f32> to <step x 64 x f32>
        plan.wait %0 on gpu
      }
    }
    plan.block @dense_layer {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate.weight = plan.weight "blk.*.ffn_gate.weight" : tensor<96x64x!moe.q4_0>
      %ffn_up.weight = plan.weight "blk.*.ffn_up.weight" : tensor<96x64x!moe.q4_0>
      %ffn_down.weight = plan.weight "blk.*.ffn_down.weight" : tensor<64x96x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 640> : <step x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 512> : <step x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @decode at <i8 = 320, i16 = 832, f32 = 384> : <step x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 896> : <step x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @decode at <i8 = 896, i16 = 896, f32 = 384> : <step x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 576> : <step x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @decode at <i8 = 320, i16 = 320, f32 = 832> : <step x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 896> : <step x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 384> : <step x 64 x f32>
      %attention.splits = plan.buffer "attention.splits" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 896> : <step x 68 x f32>
      %attention = plan.buffer "attention" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 384> : <step x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @decode at <i8 = 256, i16 = 896, f32 = 640> : <step x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @decode at <i8 = 256, i16 = 640, f32 = 640> : <step x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 640> : <step x 64 x activation>
      %ffn_gate = plan.buffer "ffn_gate" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 896> : <step x 96 x f32>
      %ffn_gate.quantised = plan.buffer "ffn_gate.quantised" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 384> : <step x 96 x activation>
      plan.stage step {
        plan.dispatch rms_norm few on gpu reads(%residual, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on gpu reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch rms_norm few on gpu reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 32 x f32>, tensor<32xf32>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch quantise few on gpu reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x activation>
        plan.dispatch matmul few on gpu reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<step x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<step x 80 x f32>
        plan.dispatch matmul few on gpu reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<step x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<step x 40 x f32>
        plan.dispatch query_rope few on gpu reads(%attn_q_b, %positions) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<step x 80 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>)
        plan.dispatch kv_append few on gpu reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise few on gpu reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on gpu reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch attention_splits few on gpu reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention.splits) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
        plan.dispatch attention_combine few on gpu reads(%attention.splits, %positions) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attention) writes(%attention.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on gpu reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on gpu reads(%attn_v_b.quantised, %attn_output.weight, %residual) writes(%residual) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch rms_norm few on gpu reads(%residual, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch gated_matmul few on gpu reads(%ffn_norm.quantised, %ffn_gate.weight, %ffn_up.weight) writes(%ffn_gate) : (!plan.buffer<step x 64 x activation>, tensor<96x64x!moe.q4_0>, tensor<96x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
        plan.dispatch quantise few on gpu reads(%ffn_gate) writes(%ffn_gate.quantised) : (!plan.buffer<step x 96 x f32>) -> !plan.buffer<step x 96 x activation>
        plan.dispatch matmul few on gpu reads(%ffn_gate.quantised, %ffn_down.weight, %residual) writes(%residual) : (!plan.buffer<step x 96 x activation>, tensor<64x96x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      }
    }
    plan.block @moe_layer {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate_inp.weight = plan.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
      %exp_probs_b.bias = plan.weight "blk.*.exp_probs_b.bias" : tensor<8xf32>
      %ffn_gate_exps.weight = plan.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_up_exps.weight = plan.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_down_exps.weight = plan.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_0>
      %ffn_gate_shexp.weight = plan.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_up_shexp.weight = plan.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_down_shexp.weight = plan.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @decode at <i8 = 896, i16 = 896, f32 = 896> : <step x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @decode at <i8 = 128, i16 = 128, f32 = 512> : <step x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @decode at <i8 = 320, i16 = 1088, f32 = 384> : <step x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 1152> : <step x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @decode at <i8 = 1152, i16 = 1152, f32 = 384> : <step x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @decode at <i8 = 896, i16 = 896, f32 = 896> : <step x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @decode at <i8 = 320, i16 = 320, f32 = 576> : <step x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 1152> : <step x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @decode at <i8 = 896, i16 = 896, f32 = 896> : <step x 64 x f32>
      %attention.splits = plan.buffer "attention.splits" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 1152> : <step x 68 x f32>
      %attention = plan.buffer "attention" role intermediate in @decode at <i8 = 896, i16 = 896, f32 = 384> : <step x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @decode at <i8 = 256, i16 = 1152, f32 = 896> : <step x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @decode at <i8 = 256, i16 = 896, f32 = 896> : <step x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %ffn_gate_inp = plan.buffer "ffn_gate_inp" role intermediate in @decode at <i8 = 256, i16 = 320, f32 = 896> : <step x 8 x f32>
      %expert_ids = plan.buffer "expert_ids" role intermediate in @decode at <i8 = 1024, i16 = 1280, f32 = 960> : <step x 2 x i32>
      %expert_weights = plan.buffer "expert_weights" role intermediate in @decode at <i8 = 1088, i16 = 256, f32 = 1024> : <step x 2 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @decode at <i8 = 256, i16 = 896, f32 = 1088> : <step x 64 x activation>
      %ffn_norm.quantised.host = plan.buffer "ffn_norm.quantised.host" role intermediate in @decode_host at <i8 = 768, i16 = 1152, f32 = 512> : <step x 64 x activation>
      %expert_ids.host = plan.buffer "expert_ids.host" role intermediate in @decode_host at <i8 = 1280, i16 = 1536, f32 = 1728> : <step x 2 x i32>
      %expert_weights.host = plan.buffer "expert_weights.host" role intermediate in @decode_host at <i8 = 1344, i16 = 768, f32 = 1792> : <step x 2 x f32>
      %expert_sum = plan.buffer "expert_sum" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %expert_hidden = plan.buffer "expert_hidden" role intermediate in @decode at <i8 = 0, i16 = 0, f32 = 384> : <step x 64 x f32>
      %expert_hidden.quantised = plan.buffer "expert_hidden.quantised" role intermediate in @decode at <i8 = 896, i16 = 1088, f32 = 1344> : <step x 64 x activation>
      %shared_hidden = plan.buffer "shared_hidden" role intermediate in @decode at <i8 = 896, i16 = 1088, f32 = 896> : <step x 32 x f32>
      %shared_hidden.quantised = plan.buffer "shared_hidden.quantised" role intermediate in @decode at <i8 = 256, i16 = 256, f32 = 1024> : <step x 32 x activation>
      %expert_sum.host = plan.buffer "expert_sum.host" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 768> : <step x 64 x f32>
      %expert_hidden.host = plan.buffer "expert_hidden.host" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 768> : <step x 64 x f32>
      %expert_hidden.host.quantised = plan.buffer "expert_hidden.host.quantised" role intermediate in @decode_host at <i8 = 1152, i16 = 1344, f32 = 1024> : <step x 64 x activation>
      %expert_sum.returned = plan.buffer "expert_sum.returned" role intermediate in @decode at <i8 = 640, i16 = 640, f32 = 640> : <step x 64 x f32>
      plan.stage step {
        plan.dispatch rms_norm few on gpu reads(%residual, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on gpu reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch rms_norm few on gpu reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 32 x f32>, tensor<32xf32>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch quantise few on gpu reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x activation>
        plan.dispatch matmul few on gpu reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<step x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<step x 80 x f32>
        plan.dispatch matmul few on gpu reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<step x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<step x 40 x f32>
        plan.dispatch query_rope few on gpu reads(%attn_q_b, %positions) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<step x 80 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>)
        plan.dispatch kv_append few on gpu reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise few on gpu reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on gpu reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch attention_splits few on gpu reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention.splits) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
        plan.dispatch attention_combine few on gpu reads(%attention.splits, %positions) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attention) writes(%attention.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on gpu reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on gpu reads(%attn_v_b.quantised, %attn_output.weight, %residual) writes(%residual) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch rms_norm few on gpu reads(%residual, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch matmul few on gpu reads(%ffn_norm, %ffn_gate_inp.weight, none) writes(%ffn_gate_inp) : (!plan.buffer<step x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<step x 8 x f32>
        plan.dispatch route few on gpu reads(%ffn_gate_inp, %exp_probs_b.bias) writes(%expert_ids, %expert_weights) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
        plan.dispatch quantise few on gpu reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        %0 = plan.transfer %ffn_norm.quantised to %ffn_norm.quantised.host : <step x 64 x activation> to <step x 64 x activation>
        %1 = plan.transfer %expert_ids to %expert_ids.host : <step x 2 x i32> to <step x 2 x i32>
        %2 = plan.transfer %expert_weights to %expert_weights.host : <step x 2 x f32> to <step x 2 x f32>
        plan.dispatch experts_gate_up few on gpu reads(%ffn_norm.quantised, %expert_ids, %ffn_gate_exps.weight, %ffn_up_exps.weight, none, none) writes(%expert_hidden) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 0>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on gpu reads(%expert_hidden) writes(%expert_hidden.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch experts_down few on gpu reads(%expert_hidden.quantised, %expert_ids, %expert_weights, %ffn_down_exps.weight, none, none) writes(%expert_sum) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 0>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<8x64x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch gated_matmul few on gpu reads(%ffn_norm.quantised, %ffn_gate_shexp.weight, %ffn_up_shexp.weight) writes(%shared_hidden) : (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch quantise few on gpu reads(%shared_hidden) writes(%shared_hidden.quantised) : (!plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x activation>
        plan.wait %2 on host
        plan.dispatch experts_gate_up few on host reads(%ffn_norm.quantised.host, %expert_ids.host, %ffn_gate_exps.weight, %ffn_up_exps.weight, none, none) writes(%expert_hidden.host) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 0>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on host reads(%expert_hidden.host) writes(%expert_hidden.host.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch experts_down few on host reads(%expert_hidden.host.quantised, %expert_ids.host, %expert_weights.host, %ffn_down_exps.weight, none, none) writes(%expert_sum.host) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 0>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<8x64x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        %3 = plan.transfer %expert_sum.host to %expert_sum.returned : <step x 64 x f32> to <step x 64 x f32>
        plan.wait %3 on gpu
        plan.dispatch add few on gpu reads(%expert_sum, %expert_sum.returned) writes(%expert_sum) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch matmul few on gpu reads(%shared_hidden.quantised, %ffn_down_shexp.weight, %expert_sum) writes(%expert_sum) : (!plan.buffer<step x 32 x activation>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch add few on gpu reads(%expert_sum, %residual) writes(%residual) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      }
    }
    plan.block @hand_over {
      plan.stage step {
        %0 = plan.transfer %residual to %residual.host : <step x 64 x f32> to <step x 64 x f32>
        plan.wait %0 on host
      }
    }
    plan.block @moe_layer_host {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate_inp.weight = plan.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
      %exp_probs_b.bias = plan.weight "blk.*.exp_probs_b.bias" : tensor<8xf32>
      %ffn_gate_exps.weight = plan.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_up_exps.weight = plan.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_gate_shexp.weight = plan.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_up_shexp.weight = plan.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_down_exps.weight = plan.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_0>
      %ffn_down_shexp.weight = plan.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 832> : <step x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 1088> : <step x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @decode_host at <i8 = 640, i16 = 640, f32 = 512> : <step x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @decode_host at <i8 = 832, i16 = 1344, f32 = 1088> : <step x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @decode_host at <i8 = 1408, i16 = 1408, f32 = 1088> : <step x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 832> : <step x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @decode_host at <i8 = 832, i16 = 832, f32 = 1728> : <step x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 832> : <step x 64 x f32>
      %attention.splits = plan.buffer "attention.splits" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 68 x f32>
      %attention = plan.buffer "attention" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 832> : <step x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @decode_host at <i8 = 768, i16 = 1408, f32 = 512> : <step x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 768> : <step x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @decode_host at <i8 = 768, i16 = 1152, f32 = 512> : <step x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 64 x f32>
      %ffn_gate_inp = plan.buffer "ffn_gate_inp" role intermediate in @decode_host at <i8 = 768, i16 = 1536, f32 = 768> : <step x 8 x f32>
      %expert_ids = plan.buffer "expert_ids" role intermediate in @decode_host at <i8 = 1280, i16 = 1408, f32 = 1728> : <step x 2 x i32>
      %expert_weights = plan.buffer "expert_weights" role intermediate in @decode_host at <i8 = 1344, i16 = 1472, f32 = 1792> : <step x 2 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 896> : <step x 64 x activation>
      %expert_hidden = plan.buffer "expert_hidden" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 96 x f32>
      %expert_hidden.quantised = plan.buffer "expert_hidden.quantised" role intermediate in @decode_host at <i8 = 1152, i16 = 1152, f32 = 896> : <step x 96 x activation>
      plan.stage step {
        plan.dispatch rms_norm few on host reads(%residual.host, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on host reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on host reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<step x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch rms_norm few on host reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 32 x f32>, tensor<32xf32>) -> !plan.buffer<step x 32 x f32>
        plan.dispatch quantise few on host reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<step x 32 x f32>) -> !plan.buffer<step x 32 x activation>
        plan.dispatch matmul few on host reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<step x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<step x 80 x f32>
        plan.dispatch matmul few on host reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<step x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<step x 40 x f32>
        plan.dispatch query_rope few on host reads(%attn_q_b, %positions.host) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<step x 80 x f32>, !plan.buffer<step x 1 x i32>) -> (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>)
        plan.dispatch kv_append few on host reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions.host, %sequences.host) writes(%kv_0) with(#kv_append) : (!plan.buffer<step x 40 x f32>, tensor<32xf32>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise few on host reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on host reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch attention_splits few on host reads(%attn_k_b, %query_rope, %kv_0, %positions.host, %sequences.host) writes(%attention.splits) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 64 x f32>, !plan.buffer<step x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<step x 1 x i32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 68 x f32>
        plan.dispatch attention_combine few on host reads(%attention.splits, %positions.host) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<step x 68 x f32>, !plan.buffer<step x 1 x i32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on host reads(%attention) writes(%attention.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch head_matmul few on host reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<step x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on host reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on host reads(%attn_v_b.quantised, %attn_output.weight, %residual.host) writes(%residual.host) : (!plan.buffer<step x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch rms_norm few on host reads(%residual.host, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch matmul few on host reads(%ffn_norm, %ffn_gate_inp.weight, none) writes(%ffn_gate_inp) : (!plan.buffer<step x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<step x 8 x f32>
        plan.dispatch route few on host reads(%ffn_gate_inp, %exp_probs_b.bias) writes(%expert_ids, %expert_weights) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<step x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>)
        plan.dispatch quantise few on host reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch experts_gate_up few on host reads(%ffn_norm.quantised, %expert_ids, %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_gate_shexp.weight, %ffn_up_shexp.weight) writes(%expert_hidden) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 64 x activation>, !plan.buffer<step x 2 x i32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<step x 96 x f32>
        plan.dispatch quantise few on host reads(%expert_hidden) writes(%expert_hidden.quantised) : (!plan.buffer<step x 96 x f32>) -> !plan.buffer<step x 96 x activation>
        plan.dispatch experts_down few on host reads(%expert_hidden.quantised, %expert_ids, %expert_weights, %ffn_down_exps.weight, %ffn_down_shexp.weight, %residual.host) writes(%residual.host) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<step x 96 x activation>, !plan.buffer<step x 2 x i32>, !plan.buffer<step x 2 x f32>, tensor<8x64x32x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x f32>
      }
    }
    plan.block @head {
      %output_norm.weight = plan.weight "output_norm.weight" : tensor<64xf32>
      %output.weight = plan.weight "output.weight" : tensor<128x64x!moe.q4_0>
      %output_norm = plan.buffer "output_norm" role intermediate in @decode_host at <i8 = 512, i16 = 512, f32 = 512> : <step x 64 x f32>
      %output_norm.quantised = plan.buffer "output_norm.quantised" role intermediate in @decode_host at <i8 = 768, i16 = 1152, f32 = 768> : <step x 64 x activation>
      plan.stage step {
        plan.dispatch rms_norm few on host reads(%residual.host, %output_norm.weight) writes(%output_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<step x 64 x f32>, tensor<64xf32>) -> !plan.buffer<step x 64 x f32>
        plan.dispatch quantise few on host reads(%output_norm) writes(%output_norm.quantised) : (!plan.buffer<step x 64 x f32>) -> !plan.buffer<step x 64 x activation>
        plan.dispatch matmul few on host reads(%output_norm.quantised, %output.weight, none) writes(%logits) : (!plan.buffer<step x 64 x activation>, tensor<128x64x!moe.q4_0>) -> !plan.buffer<step x 128 x f32>
      }
    }
    plan.run @embedding
    plan.run @dense_layer layers 0 count 1
    plan.run @moe_layer layers 1 count 1
    plan.run @hand_over
    plan.run @moe_layer_host layers 2 count 2
    plan.run @head
  }
  plan.program @prompt_step phase prompt {
    %tokens = plan.buffer "tokens" role tokens in @prompt_host at <i8 = 76800, i16 = 84992, f32 = 100352> : <prompt x 1 x i32>
    %positions = plan.buffer "positions" role positions in @prompt at <i8 = 111616, i16 = 119808, f32 = 135168> : <prompt x 1 x i32>
    %positions.host = plan.buffer "positions.host" role positions in @prompt_host at <i8 = 77312, i16 = 85504, f32 = 100864> : <prompt x 1 x i32>
    %sequences = plan.buffer "sequences" role sequences in @prompt at <i8 = 112128, i16 = 120320, f32 = 135680> : <prompt x 1 x i32>
    %sequences.host = plan.buffer "sequences.host" role sequences in @prompt_host at <i8 = 77824, i16 = 86016, f32 = 101376> : <prompt x 1 x i32>
    %residual = plan.buffer "residual" role residual in @prompt at <i8 = 0, i16 = 0, f32 = 0> : <prompt x 64 x f32>
    %residual.host = plan.buffer "residual.host" role residual in @prompt_host at <i8 = 0, i16 = 0, f32 = 0> : <prompt x 64 x f32>
    %logits = plan.buffer "logits" role logits in @chunk_host at <i8 = 102400, i16 = 102400, f32 = 102400> : <output x 128 x f32>
    plan.block @embedding {
      %token_embd.weight = plan.weight "token_embd.weight" : tensor<128x64x!moe.q4_0>
      %embedding.host = plan.buffer "embedding.host" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      plan.stage chunk {
        plan.dispatch embed many on host reads(%tokens, %token_embd.weight) writes(%embedding.host) : (!plan.buffer<prompt x 1 x i32>, tensor<128x64x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        %0 = plan.transfer %embedding.host to %residual : <chunk x 64 x f32> to <prompt x 64 x f32>
        plan.wait %0 on gpu
      }
    }
    plan.block @dense_layer {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate.weight = plan.weight "blk.*.ffn_gate.weight" : tensor<96x64x!moe.q4_0>
      %ffn_up.weight = plan.weight "blk.*.ffn_up.weight" : tensor<96x64x!moe.q4_0>
      %ffn_down.weight = plan.weight "blk.*.ffn_down.weight" : tensor<64x96x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @chunk at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @chunk at <i8 = 16384, i16 = 16384, f32 = 16384> : <chunk x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @chunk at <i8 = 50176, i16 = 58368, f32 = 73728> : <chunk x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @chunk at <i8 = 73728, i16 = 73728, f32 = 73728> : <chunk x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @chunk at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @chunk at <i8 = 94208, i16 = 94208, f32 = 94208> : <chunk x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @chunk at <i8 = 73728, i16 = 73728, f32 = 0> : <chunk x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 32768> : <chunk x 64 x f32>
      %attention = plan.buffer "attention" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 0> : <chunk x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @chunk at <i8 = 65536, i16 = 65536, f32 = 32768> : <chunk x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @chunk at <i8 = 49152, i16 = 49152, f32 = 49152> : <chunk x 64 x activation>
      %ffn_gate = plan.buffer "ffn_gate" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 96 x f32>
      %ffn_gate.quantised = plan.buffer "ffn_gate.quantised" role intermediate in @chunk at <i8 = 49152, i16 = 49152, f32 = 49152> : <chunk x 96 x activation>
      plan.stage chunk {
        plan.dispatch rms_norm many on gpu reads(%residual, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on gpu reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<chunk x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch rms_norm many on gpu reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<chunk x 32 x f32>, tensor<32xf32>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch quantise many on gpu reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<chunk x 32 x f32>) -> !plan.buffer<chunk x 32 x activation>
        plan.dispatch matmul many on gpu reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<chunk x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<chunk x 80 x f32>
        plan.dispatch matmul many on gpu reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<chunk x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<chunk x 40 x f32>
        plan.dispatch query_rope many on gpu reads(%attn_q_b, %positions) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<chunk x 80 x f32>, !plan.buffer<prompt x 1 x i32>) -> (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>)
        plan.dispatch kv_append many on gpu reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<chunk x 40 x f32>, tensor<32xf32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise many on gpu reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on gpu reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch attention many on gpu reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attention) writes(%attention.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on gpu reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on gpu reads(%attn_v_b.quantised, %attn_output.weight, %residual) writes(%residual) : (!plan.buffer<chunk x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
        plan.dispatch rms_norm many on gpu reads(%residual, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch gated_matmul many on gpu reads(%ffn_norm.quantised, %ffn_gate.weight, %ffn_up.weight) writes(%ffn_gate) : (!plan.buffer<chunk x 64 x activation>, tensor<96x64x!moe.q4_0>, tensor<96x64x!moe.q4_0>) -> !plan.buffer<chunk x 96 x f32>
        plan.dispatch quantise many on gpu reads(%ffn_gate) writes(%ffn_gate.quantised) : (!plan.buffer<chunk x 96 x f32>) -> !plan.buffer<chunk x 96 x activation>
        plan.dispatch matmul many on gpu reads(%ffn_gate.quantised, %ffn_down.weight, %residual) writes(%residual) : (!plan.buffer<chunk x 96 x activation>, tensor<64x96x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
      }
    }
    plan.block @moe_layer {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate_inp.weight = plan.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
      %exp_probs_b.bias = plan.weight "blk.*.exp_probs_b.bias" : tensor<8xf32>
      %ffn_gate_exps.weight = plan.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_up_exps.weight = plan.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_down_exps.weight = plan.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_0>
      %ffn_gate_shexp.weight = plan.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_up_shexp.weight = plan.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_down_shexp.weight = plan.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @chunk at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @chunk at <i8 = 16384, i16 = 16384, f32 = 16384> : <chunk x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @chunk at <i8 = 50176, i16 = 58368, f32 = 73728> : <chunk x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @chunk at <i8 = 73728, i16 = 73728, f32 = 73728> : <chunk x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @chunk at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @chunk at <i8 = 94208, i16 = 94208, f32 = 94208> : <chunk x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @chunk at <i8 = 73728, i16 = 73728, f32 = 0> : <chunk x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 32768> : <chunk x 64 x f32>
      %attention = plan.buffer "attention" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 0> : <chunk x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @chunk at <i8 = 65536, i16 = 65536, f32 = 32768> : <chunk x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %ffn_gate_inp = plan.buffer "ffn_gate_inp" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 8 x f32>
      %expert_ids = plan.buffer "expert_ids" role intermediate in @prompt at <i8 = 74752, i16 = 82944, f32 = 98304> : <prompt x 2 x i32>
      %expert_weights = plan.buffer "expert_weights" role intermediate in @prompt at <i8 = 75776, i16 = 83968, f32 = 99328> : <prompt x 2 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @prompt at <i8 = 65536, i16 = 65536, f32 = 32768> : <prompt x 64 x activation>
      %expert_sum = plan.buffer "expert_sum" role intermediate in @prompt at <i8 = 32768, i16 = 32768, f32 = 65536> : <prompt x 64 x f32>
      %expert_pairs = plan.buffer "expert_pairs" role intermediate in @prompt at <i8 = 76800, i16 = 84992, f32 = 100352> : <prompt x 2 x i32>
      %expert_places = plan.buffer "expert_places" role intermediate in @prompt at <i8 = 77824, i16 = 86016, f32 = 101376> : <prompt x 2 x i32>
      %expert_offsets = plan.buffer "expert_offsets" role intermediate in @chunk at <i8 = 49152, i16 = 57856, f32 = 65536> : <chunk x 9 x i32>
      %expert_hidden = plan.buffer "expert_hidden" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 32 x f32>
      %expert_hidden.quantised = plan.buffer "expert_hidden.quantised" role intermediate in @chunk at <i8 = 53760, i16 = 49152, f32 = 49152> : <chunk x 32 x activation>
      %expert_partial = plan.buffer "expert_partial" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      plan.stage chunk {
        plan.dispatch rms_norm many on gpu reads(%residual, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on gpu reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<chunk x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch rms_norm many on gpu reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<chunk x 32 x f32>, tensor<32xf32>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch quantise many on gpu reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<chunk x 32 x f32>) -> !plan.buffer<chunk x 32 x activation>
        plan.dispatch matmul many on gpu reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<chunk x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<chunk x 80 x f32>
        plan.dispatch matmul many on gpu reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<chunk x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<chunk x 40 x f32>
        plan.dispatch query_rope many on gpu reads(%attn_q_b, %positions) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<chunk x 80 x f32>, !plan.buffer<prompt x 1 x i32>) -> (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>)
        plan.dispatch kv_append many on gpu reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions, %sequences) writes(%kv) with(#kv_append) : (!plan.buffer<chunk x 40 x f32>, tensor<32xf32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise many on gpu reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on gpu reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch attention many on gpu reads(%attn_k_b, %query_rope, %kv, %positions, %sequences) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attention) writes(%attention.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on gpu reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on gpu reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on gpu reads(%attn_v_b.quantised, %attn_output.weight, %residual) writes(%residual) : (!plan.buffer<chunk x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
        plan.dispatch rms_norm many on gpu reads(%residual, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch matmul many on gpu reads(%ffn_norm, %ffn_gate_inp.weight, none) writes(%ffn_gate_inp) : (!plan.buffer<chunk x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<chunk x 8 x f32>
        plan.dispatch route many on gpu reads(%ffn_gate_inp, %exp_probs_b.bias) writes(%expert_ids, %expert_weights) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<chunk x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>)
        plan.dispatch quantise many on gpu reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<prompt x 64 x activation>
      }
      plan.stage prompt {
        plan.stream %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_down_exps.weight through @ring into @staging : tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<8x64x32x!moe.q4_0>
        plan.dispatch experts_grouped many on gpu reads(%ffn_norm.quantised, %expert_ids, %expert_weights, %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_down_exps.weight, %ffn_gate_shexp.weight, %ffn_up_shexp.weight, %ffn_down_shexp.weight, %residual, %expert_sum, %expert_pairs, %expert_places, %expert_offsets, %expert_hidden, %expert_hidden.quantised, %expert_partial) writes(%residual, %expert_sum, %expert_pairs, %expert_places, %expert_offsets, %expert_hidden, %expert_hidden.quantised, %expert_partial) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 32>) : (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<8x64x32x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>, tensor<64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<chunk x 9 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>, !plan.buffer<chunk x 64 x f32>) -> (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<chunk x 9 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>, !plan.buffer<chunk x 64 x f32>)
      }
    }
    plan.block @hand_over {
      plan.stage prompt {
        %0 = plan.transfer %residual to %residual.host : <prompt x 64 x f32> to <prompt x 64 x f32>
        plan.wait %0 on host
      }
    }
    plan.block @moe_layer_host {
      %attn_norm.weight = plan.weight "blk.*.attn_norm.weight" : tensor<64xf32>
      %attn_q_a.weight = plan.weight "blk.*.attn_q_a.weight" : tensor<32x64x!moe.q4_0>
      %attn_q_a_norm.weight = plan.weight "blk.*.attn_q_a_norm.weight" : tensor<32xf32>
      %attn_q_b.weight = plan.weight "blk.*.attn_q_b.weight" : tensor<80x32x!moe.q4_0>
      %attn_kv_a_mqa.weight = plan.weight "blk.*.attn_kv_a_mqa.weight" : tensor<40x64x!moe.q4_0>
      %attn_kv_a_norm.weight = plan.weight "blk.*.attn_kv_a_norm.weight" : tensor<32xf32>
      %attn_k_b.weight = plan.weight "blk.*.attn_k_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_v_b.weight = plan.weight "blk.*.attn_v_b.weight" : tensor<2x32x32x!moe.q4_0>
      %attn_output.weight = plan.weight "blk.*.attn_output.weight" : tensor<64x64x!moe.q4_0>
      %ffn_norm.weight = plan.weight "blk.*.ffn_norm.weight" : tensor<64xf32>
      %ffn_gate_inp.weight = plan.weight "blk.*.ffn_gate_inp.weight" : tensor<8x64xf32>
      %exp_probs_b.bias = plan.weight "blk.*.exp_probs_b.bias" : tensor<8xf32>
      %ffn_gate_exps.weight = plan.weight "blk.*.ffn_gate_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_up_exps.weight = plan.weight "blk.*.ffn_up_exps.weight" : tensor<8x32x64x!moe.q4_0>
      %ffn_down_exps.weight = plan.weight "blk.*.ffn_down_exps.weight" : tensor<8x64x32x!moe.q4_0>
      %ffn_gate_shexp.weight = plan.weight "blk.*.ffn_gate_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_up_shexp.weight = plan.weight "blk.*.ffn_up_shexp.weight" : tensor<32x64x!moe.q4_0>
      %ffn_down_shexp.weight = plan.weight "blk.*.ffn_down_shexp.weight" : tensor<64x32x!moe.q4_0>
      %attn_norm = plan.buffer "attn_norm" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_norm.quantised = plan.buffer "attn_norm.quantised" role intermediate in @chunk_host at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x activation>
      %attn_q_a = plan.buffer "attn_q_a" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 32 x f32>
      %attn_q_a_norm = plan.buffer "attn_q_a_norm" role intermediate in @chunk_host at <i8 = 16384, i16 = 16384, f32 = 16384> : <chunk x 32 x f32>
      %attn_q_a_norm.quantised = plan.buffer "attn_q_a_norm.quantised" role intermediate in @chunk_host at <i8 = 50176, i16 = 58368, f32 = 73728> : <chunk x 32 x activation>
      %attn_q_b = plan.buffer "attn_q_b" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 80 x f32>
      %attn_kv_a_mqa = plan.buffer "attn_kv_a_mqa" role intermediate in @chunk_host at <i8 = 73728, i16 = 73728, f32 = 73728> : <chunk x 40 x f32>
      %query_nope = plan.buffer "query_nope" role intermediate in @chunk_host at <i8 = 40960, i16 = 40960, f32 = 40960> : <chunk x 64 x f32>
      %query_rope = plan.buffer "query_rope" role intermediate in @chunk_host at <i8 = 94208, i16 = 94208, f32 = 94208> : <chunk x 16 x f32>
      %query_nope.quantised = plan.buffer "query_nope.quantised" role intermediate in @chunk_host at <i8 = 73728, i16 = 73728, f32 = 0> : <chunk x 64 x activation>
      %attn_k_b = plan.buffer "attn_k_b" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 32768> : <chunk x 64 x f32>
      %attention = plan.buffer "attention" role intermediate in @chunk_host at <i8 = 32768, i16 = 32768, f32 = 0> : <chunk x 64 x f32>
      %attention.quantised = plan.buffer "attention.quantised" role intermediate in @chunk_host at <i8 = 65536, i16 = 65536, f32 = 32768> : <chunk x 64 x activation>
      %attn_v_b = plan.buffer "attn_v_b" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %attn_v_b.quantised = plan.buffer "attn_v_b.quantised" role intermediate in @chunk_host at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 64 x activation>
      %ffn_norm = plan.buffer "ffn_norm" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %ffn_gate_inp = plan.buffer "ffn_gate_inp" role intermediate in @chunk_host at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 8 x f32>
      %expert_ids = plan.buffer "expert_ids" role intermediate in @prompt_host at <i8 = 74752, i16 = 82944, f32 = 98304> : <prompt x 2 x i32>
      %expert_weights = plan.buffer "expert_weights" role intermediate in @prompt_host at <i8 = 75776, i16 = 83968, f32 = 99328> : <prompt x 2 x f32>
      %ffn_norm.quantised = plan.buffer "ffn_norm.quantised" role intermediate in @prompt_host at <i8 = 65536, i16 = 65536, f32 = 32768> : <prompt x 64 x activation>
      %ffn_norm.quantised.gpu = plan.buffer "ffn_norm.quantised.gpu" role intermediate in @prompt at <i8 = 98304, i16 = 98304, f32 = 32768> : <prompt x 64 x activation>
      %expert_ids.gpu = plan.buffer "expert_ids.gpu" role intermediate in @prompt at <i8 = 107520, i16 = 115712, f32 = 131072> : <prompt x 2 x i32>
      %expert_weights.gpu = plan.buffer "expert_weights.gpu" role intermediate in @prompt at <i8 = 108544, i16 = 116736, f32 = 132096> : <prompt x 2 x f32>
      %expert_result = plan.buffer "expert_result" role intermediate in @prompt at <i8 = 32768, i16 = 32768, f32 = 65536> : <prompt x 64 x f32>
      %expert_sum = plan.buffer "expert_sum" role intermediate in @prompt at <i8 = 65536, i16 = 65536, f32 = 98304> : <prompt x 64 x f32>
      %expert_pairs = plan.buffer "expert_pairs" role intermediate in @prompt at <i8 = 109568, i16 = 117760, f32 = 133120> : <prompt x 2 x i32>
      %expert_places = plan.buffer "expert_places" role intermediate in @prompt at <i8 = 110592, i16 = 118784, f32 = 134144> : <prompt x 2 x i32>
      %expert_offsets = plan.buffer "expert_offsets" role intermediate in @chunk at <i8 = 49152, i16 = 57856, f32 = 65536> : <chunk x 9 x i32>
      %expert_hidden = plan.buffer "expert_hidden" role intermediate in @chunk at <i8 = 32768, i16 = 32768, f32 = 32768> : <chunk x 32 x f32>
      %expert_hidden.quantised = plan.buffer "expert_hidden.quantised" role intermediate in @chunk at <i8 = 53760, i16 = 49152, f32 = 49152> : <chunk x 32 x activation>
      %expert_partial = plan.buffer "expert_partial" role intermediate in @chunk at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 64 x f32>
      %expert_result.host = plan.buffer "expert_result.host" role intermediate in @prompt_host at <i8 = 32768, i16 = 32768, f32 = 65536> : <prompt x 64 x f32>
      %shared_hidden = plan.buffer "shared_hidden" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <chunk x 32 x f32>
      %shared_hidden.quantised = plan.buffer "shared_hidden.quantised" role intermediate in @chunk_host at <i8 = 16384, i16 = 16384, f32 = 16384> : <chunk x 32 x activation>
      plan.stage chunk {
        plan.dispatch rms_norm many on host reads(%residual.host, %attn_norm.weight) writes(%attn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on host reads(%attn_norm) writes(%attn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on host reads(%attn_norm.quantised, %attn_q_a.weight, none) writes(%attn_q_a) : (!plan.buffer<chunk x 64 x activation>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch rms_norm many on host reads(%attn_q_a, %attn_q_a_norm.weight) writes(%attn_q_a_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<chunk x 32 x f32>, tensor<32xf32>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch quantise many on host reads(%attn_q_a_norm) writes(%attn_q_a_norm.quantised) : (!plan.buffer<chunk x 32 x f32>) -> !plan.buffer<chunk x 32 x activation>
        plan.dispatch matmul many on host reads(%attn_q_a_norm.quantised, %attn_q_b.weight, none) writes(%attn_q_b) : (!plan.buffer<chunk x 32 x activation>, tensor<80x32x!moe.q4_0>) -> !plan.buffer<chunk x 80 x f32>
        plan.dispatch matmul many on host reads(%attn_norm.quantised, %attn_kv_a_mqa.weight, none) writes(%attn_kv_a_mqa) : (!plan.buffer<chunk x 64 x activation>, tensor<40x64x!moe.q4_0>) -> !plan.buffer<chunk x 40 x f32>
        plan.dispatch query_rope many on host reads(%attn_q_b, %positions.host) writes(%query_nope, %query_rope) with(#rope) : (!plan.buffer<chunk x 80 x f32>, !plan.buffer<prompt x 1 x i32>) -> (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>)
        plan.dispatch kv_append many on host reads(%attn_kv_a_mqa, %attn_kv_a_norm.weight, %positions.host, %sequences.host) writes(%kv_0) with(#kv_append) : (!plan.buffer<chunk x 40 x f32>, tensor<32xf32>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.kv<latent = 32, rope = 8>
        plan.dispatch quantise many on host reads(%query_nope) writes(%query_nope.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on host reads(%query_nope.quantised, %attn_k_b.weight) writes(%attn_k_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch attention many on host reads(%attn_k_b, %query_rope, %kv_0, %positions.host, %sequences.host) writes(%attention) with(#plan.attention<heads = 2, scale = 2.500000e-01 : f32, split_positions = 256>) : (!plan.buffer<chunk x 64 x f32>, !plan.buffer<chunk x 16 x f32>, !plan.kv<latent = 32, rope = 8>, !plan.buffer<prompt x 1 x i32>, !plan.buffer<prompt x 1 x i32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on host reads(%attention) writes(%attention.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch head_matmul many on host reads(%attention.quantised, %attn_v_b.weight) writes(%attn_v_b) with(#plan.head<heads = 2>) : (!plan.buffer<chunk x 64 x activation>, tensor<2x32x32x!moe.q4_0>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch quantise many on host reads(%attn_v_b) writes(%attn_v_b.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<chunk x 64 x activation>
        plan.dispatch matmul many on host reads(%attn_v_b.quantised, %attn_output.weight, %residual.host) writes(%residual.host) : (!plan.buffer<chunk x 64 x activation>, tensor<64x64x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
        plan.dispatch rms_norm many on host reads(%residual.host, %ffn_norm.weight) writes(%ffn_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<chunk x 64 x f32>
        plan.dispatch matmul many on host reads(%ffn_norm, %ffn_gate_inp.weight, none) writes(%ffn_gate_inp) : (!plan.buffer<chunk x 64 x f32>, tensor<8x64xf32>) -> !plan.buffer<chunk x 8 x f32>
        plan.dispatch route many on host reads(%ffn_gate_inp, %exp_probs_b.bias) writes(%expert_ids, %expert_weights) with(#plan.route<gate = sigmoid, groups = 4, groups_used = 2, experts_used = 2, scale = 2.500000e+00 : f32, normalise = true>) : (!plan.buffer<chunk x 8 x f32>, tensor<8xf32>) -> (!plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>)
        plan.dispatch quantise many on host reads(%ffn_norm) writes(%ffn_norm.quantised) : (!plan.buffer<chunk x 64 x f32>) -> !plan.buffer<prompt x 64 x activation>
      }
      plan.stage prompt {
        %0 = plan.transfer %ffn_norm.quantised to %ffn_norm.quantised.gpu : <prompt x 64 x activation> to <prompt x 64 x activation>
        %1 = plan.transfer %expert_ids to %expert_ids.gpu : <prompt x 2 x i32> to <prompt x 2 x i32>
        %2 = plan.transfer %expert_weights to %expert_weights.gpu : <prompt x 2 x f32> to <prompt x 2 x f32>
        plan.wait %2 on gpu
        plan.stream %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_down_exps.weight through @ring into @staging : tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<8x64x32x!moe.q4_0>
        plan.dispatch experts_grouped many on gpu reads(%ffn_norm.quantised.gpu, %expert_ids.gpu, %expert_weights.gpu, %ffn_gate_exps.weight, %ffn_up_exps.weight, %ffn_down_exps.weight, none, none, none, none, %expert_sum, %expert_pairs, %expert_places, %expert_offsets, %expert_hidden, %expert_hidden.quantised, %expert_partial) writes(%expert_result, %expert_sum, %expert_pairs, %expert_places, %expert_offsets, %expert_hidden, %expert_hidden.quantised, %expert_partial) with(#plan.expert<experts = 8, experts_used = 2, width = 32, shared_width = 0>) : (!plan.buffer<prompt x 64 x activation>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x f32>, tensor<8x32x64x!moe.q4_0>, tensor<8x32x64x!moe.q4_0>, tensor<8x64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<chunk x 9 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>, !plan.buffer<chunk x 64 x f32>) -> (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<prompt x 2 x i32>, !plan.buffer<chunk x 9 x i32>, !plan.buffer<chunk x 32 x f32>, !plan.buffer<chunk x 32 x activation>, !plan.buffer<chunk x 64 x f32>)
        %3 = plan.transfer %expert_result to %expert_result.host : <prompt x 64 x f32> to <prompt x 64 x f32>
        plan.wait %3 on host
      }
      plan.stage chunk {
        plan.dispatch gated_matmul many on host reads(%ffn_norm.quantised, %ffn_gate_shexp.weight, %ffn_up_shexp.weight) writes(%shared_hidden) : (!plan.buffer<prompt x 64 x activation>, tensor<32x64x!moe.q4_0>, tensor<32x64x!moe.q4_0>) -> !plan.buffer<chunk x 32 x f32>
        plan.dispatch quantise many on host reads(%shared_hidden) writes(%shared_hidden.quantised) : (!plan.buffer<chunk x 32 x f32>) -> !plan.buffer<chunk x 32 x activation>
        plan.dispatch matmul many on host reads(%shared_hidden.quantised, %ffn_down_shexp.weight, %expert_result.host) writes(%expert_result.host) : (!plan.buffer<chunk x 32 x activation>, tensor<64x32x!moe.q4_0>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
        plan.dispatch add many on host reads(%expert_result.host, %residual.host) writes(%residual.host) : (!plan.buffer<prompt x 64 x f32>, !plan.buffer<prompt x 64 x f32>) -> !plan.buffer<prompt x 64 x f32>
      }
    }
    plan.block @head {
      %output_norm.weight = plan.weight "output_norm.weight" : tensor<64xf32>
      %output.weight = plan.weight "output.weight" : tensor<128x64x!moe.q4_0>
      %output_norm = plan.buffer "output_norm" role intermediate in @chunk_host at <i8 = 0, i16 = 0, f32 = 0> : <output x 64 x f32>
      %output_norm.quantised = plan.buffer "output_norm.quantised" role intermediate in @chunk_host at <i8 = 256, i16 = 256, f32 = 256> : <output x 64 x activation>
      plan.stage output {
        plan.dispatch rms_norm many on host reads(%residual.host, %output_norm.weight) writes(%output_norm) with(#plan.norm<epsilon = 9.99999997E-7 : f32>) : (!plan.buffer<prompt x 64 x f32>, tensor<64xf32>) -> !plan.buffer<output x 64 x f32>
        plan.dispatch quantise many on host reads(%output_norm) writes(%output_norm.quantised) : (!plan.buffer<output x 64 x f32>) -> !plan.buffer<output x 64 x activation>
        plan.dispatch matmul many on host reads(%output_norm.quantised, %output.weight, none) writes(%logits) : (!plan.buffer<output x 64 x activation>, tensor<128x64x!moe.q4_0>) -> !plan.buffer<output x 128 x f32>
      }
    }
    plan.run @embedding
    plan.run @dense_layer layers 0 count 1
    plan.run @moe_layer layers 1 count 1
    plan.run @hand_over
    plan.run @moe_layer_host layers 2 count 2
    plan.run @head
  }
  plan.arena @ring kind staging on gpu in ram bytes <all = 65536> live <all = 65536>
  plan.arena @staging kind staging on gpu in gpu bytes <all = 16384> live <all = 16384>
  plan.budget gpu bytes 16777216 reserved 1048576 head_room 1048576
  plan.budget ram bytes 16777216 reserved 1048576 head_room 1048576
  plan.budget disk bytes 0 reserved 0 head_room 0
  plan.host_layers from 2 of 4
  plan.experts layers 1 count 1 of 8 gpu <0 to 2, 6> ram <3, 5> disk <4, 7> pinned <3> slots 1 decode_gpu <0 to 2, 6> prompt_gpu <0 to 7>
  plan.experts layers 2 count 2 of 8 gpu <> ram <0, 2 to 4> disk <1, 5 to 7> pinned <> slots 4 decode_gpu <> prompt_gpu <0 to 7>
}

