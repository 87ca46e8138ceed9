#!/usr/bin/env python3
# Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a small model of the moe dialect as import makes it. usage: raw_model.py LAYERS DENSE [TENSOR=ENCODING]...

TENSOR is a weight's name, "blk.0.ffn_down.weight"; the encoding replaces !moe.q4_0.
"""
import sys

EMBEDDING, VOCABULARY, HEADS, LATENT, ROPE, NOPE, VALUE = 64, 128, 2, 32, 8, 32, 32
EXPERTS, USED, QUERY, DENSE_WIDTH, EXPERT_WIDTH = 8, 2, 32, 96, 32


def tensor(*shape, element="f32"):
    return f"tensor<{'x'.join(str(size) for size in (*shape, element))}>"


def rows(columns):
    return tensor("?", columns)


class Body:
    """The operations of a region, each with a value of its own."""

    def __init__(self, encodings, indent):
        self.encodings, self.indent, self.lines, self.values = encodings, indent, [], 0

    def add(self, text):
        self.values += 1
        self.lines.append(f"{self.indent}%{self.values} = {text}")
        return f"%{self.values}"

    def weight(self, name, *shape, element="f32"):
        return self.add(f'moe.weight "{name}" : {tensor(*shape, element=element)}')

    def decoded(self, name, *shape):
        element = self.encodings.get(name, "!moe.q4_0")
        weight = self.weight(name, *shape, element=element)
        return self.add(f"moe.dequant {weight} : ({tensor(*shape, element=element)}) -> {tensor(*shape)}")

    def product(self, value, weight, columns, result):
        return self.add(f"moe.matmul {value}, {weight} : ({rows(columns)}, {tensor(result, columns)}) -> {rows(result)}")

    def linear(self, value, name, columns, result):
        return self.product(value, self.decoded(name, result, columns), columns, result)

    def norm(self, value, name, columns):
        weight = self.weight(name, columns)
        return self.add(f"moe.rms_norm {value}, {weight} epsilon 1.0e-6 : {rows(columns)}, {tensor(columns)}")

    def elementwise(self, operation, left, right, columns):
        return self.add(f"moe.{operation} {left}, {right} : {rows(columns)}")

    def network(self, value, prefix, suffix, width):
        gate = self.linear(value, f"{prefix}ffn_gate{suffix}.weight", EMBEDDING, width)
        up = self.linear(value, f"{prefix}ffn_up{suffix}.weight", EMBEDDING, width)
        activated = self.add(f"moe.silu {gate} : {rows(width)}")
        hidden = self.elementwise("mul", activated, up, width)
        return self.linear(hidden, f"{prefix}ffn_down{suffix}.weight", width, EMBEDDING)

    def attention(self, value, prefix):
        width = HEADS * (NOPE + ROPE)
        lowered = self.linear(value, f"{prefix}attn_q_a.weight", EMBEDDING, QUERY)
        lowered = self.norm(lowered, f"{prefix}attn_q_a_norm.weight", QUERY)
        query = self.linear(lowered, f"{prefix}attn_q_b.weight", QUERY, width)
        cached = self.linear(value, f"{prefix}attn_kv_a_mqa.weight", EMBEDDING, LATENT + ROPE)
        norm = self.weight(f"{prefix}attn_kv_a_norm.weight", LATENT)
        keys = self.decoded(f"{prefix}attn_k_b.weight", HEADS, LATENT, NOPE)
        values = self.decoded(f"{prefix}attn_v_b.weight", HEADS, VALUE, LATENT)
        types = [rows(width), rows(LATENT + ROPE), tensor(LATENT), tensor(HEADS, LATENT, NOPE)]
        types += [tensor(HEADS, VALUE, LATENT), "!moe.positions", f"!moe.kv<{LATENT}, {ROPE}>"]
        attended = self.add(
            f"moe.mla {query}, {cached}, {norm}, {keys}, {values}, %p, %kv heads {HEADS} nope {NOPE} epsilon 1.0e-6 "
            f"scale 0.25 magnitude 1.0 frequencies [1.0, 0.5, 0.25, 0.125] : ({', '.join(types)}) -> "
            f"{rows(HEADS * VALUE)}"
        )
        return self.linear(attended, f"{prefix}attn_output.weight", HEADS * VALUE, EMBEDDING)

    def experts(self, value, prefix):
        router = self.weight(f"{prefix}ffn_gate_inp.weight", EXPERTS, EMBEDDING)
        logits = self.product(value, router, EMBEDDING, EXPERTS)
        bias = self.weight(f"{prefix}exp_probs_b.bias", EXPERTS)
        chosen = [f"tensor<?x{USED}xi32>", rows(USED)]
        self.lines.append(
            f"{self.indent}%ids, %weights = moe.route sigmoid {logits} bias {bias} groups 2 of 4 experts {USED} scale 2.5 "
            f"normalise : ({rows(EXPERTS)}, {tensor(EXPERTS)}) -> ({', '.join(chosen)})"
        )
        shapes = [(EXPERTS, EXPERT_WIDTH, EMBEDDING)] * 2 + [(EXPERTS, EMBEDDING, EXPERT_WIDTH)]
        names = ["gate", "up", "down"]
        weights = [self.decoded(f"{prefix}ffn_{name}_exps.weight", *shape) for name, shape in zip(names, shapes)]
        types = [rows(EMBEDDING), *chosen, *(tensor(*shape) for shape in shapes)]
        routed = self.add(f"moe.experts {value}, %ids, %weights, {', '.join(weights)} : {', '.join(types)}")
        return self.elementwise("add", routed, self.network(value, prefix, "_shexp", EXPERT_WIDTH), EMBEDDING)


def layer(number, dense, encodings):
    body, prefix = Body(encodings, "    "), f"blk.{number}."
    attended = body.attention(body.norm("%x", f"{prefix}attn_norm.weight", EMBEDDING), prefix)
    residual = body.elementwise("add", "%x", attended, EMBEDDING)
    value = body.norm(residual, f"{prefix}ffn_norm.weight", EMBEDDING)
    value = body.network(value, prefix, "", DENSE_WIDTH) if dense else body.experts(value, prefix)
    result = body.elementwise("add", residual, value, EMBEDDING)
    return [*body.lines, f"    moe.yield {result} : {rows(EMBEDDING)}"]


def model(layers, dense, encodings):
    sizes = dict(layers=layers, dense_layers=dense, embedding=EMBEDDING, vocabulary=VOCABULARY, heads=HEADS)
    sizes.update(latent=LATENT, rope=ROPE, nope=NOPE, value=VALUE, experts=EXPERTS, experts_used=USED)
    sizes.update(shared_experts=1, expert_groups=4, expert_groups_used=2, context_length=256)
    body = Body(encodings, "  ")
    embedding = body.weight("token_embd.weight", VOCABULARY, EMBEDDING, element="!moe.q4_0")
    matrix = tensor(VOCABULARY, EMBEDDING, element="!moe.q4_0")
    value = body.add(f"moe.embed %tokens, {embedding} : (tensor<?xi32>, {matrix}) -> {rows(EMBEDDING)}")
    for number in range(layers):
        value = body.add(
            f"moe.layer {number} ({value}, %positions) as "
            f"(%x: {rows(EMBEDDING)}, %p: !moe.positions, %kv: !moe.kv<{LATENT}, {ROPE}>) {{"
        )
        body.lines += [*layer(number, number < dense, encodings), "  }"]
    logits = body.linear(body.norm(value, "output_norm.weight", EMBEDDING), "output.weight", EMBEDDING, VOCABULARY)
    attribute = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    signature = f"moe.model @main <{attribute}> (%tokens: tensor<?xi32>, %positions: !moe.positions) {{"
    return "\n".join([signature, *body.lines, f"  moe.return {logits} : {rows(VOCABULARY)}", "}"])


if __name__ == "__main__":
    print(model(int(sys.argv[1]), int(sys.argv[2]), dict(argument.split("=") for argument in sys.argv[3:])))
