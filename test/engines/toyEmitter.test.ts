import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODE_64 } from '../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { I32_RFLAGS } from '../../src/cpu/state.ts';
import { registerValue, statusFlags, width } from '../arbitraries/operands.ts';
import { FLAT_COSTS, FlatCore } from '../cpu/flatCore.ts';
import { prefixes, registers, sized } from '../cpu/semantics/oneInstruction.ts';
import { GUEST, ToyEmitter } from './toyEmitter.ts';

const CODE = 0x1000;
const DATA = 0x8000;
const DATA_SIZE = 64;
const RDI = 7;

/** Registers that instructions compute with; RDI holds the address of the data, RSP is left alone. */
const register = fc.constantFrom(0, 1, 2, 3, 5, 6);
const alu = fc.constantFrom(0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38);
const slot = fc.nat(DATA_SIZE - 8);

/** One instruction of the toy's subset. */
const instruction: fc.Arbitrary<number[]> = fc.oneof(
  fc.tuple(width, alu, register, register).map(([w, opcode, a, b]) => sized(w, [opcode], [opcode + 1], registers(a, b))),
  fc.tuple(width, alu, register, slot).map(([w, opcode, a, at]) => sized(w, [opcode], [opcode + 1], 0x40 | (a << 3) | RDI, at)),
  fc.tuple(width, alu, register, slot).map(([w, opcode, a, at]) => sized(w, [opcode + 2], [opcode + 3], 0x40 | (a << 3) | RDI, at)),
  fc
    .tuple(width, fc.constantFrom(0x88, 0x8a), register, slot)
    .map(([w, opcode, a, at]) => sized(w, [opcode], [opcode + 1], 0x40 | (a << 3) | RDI, at)),
  fc
    .tuple(register, register, register, fc.nat(3), fc.nat(127))
    .map(([a, b, c, scale, d]) => [0x48, 0x8d, 0x44 | (a << 3), (scale << 6) | (c << 3) | b, d]),
  fc.tuple(fc.nat(15), register).map(([condition, a]) => [0x40, 0x0f, 0x90 | condition, registers(a, 0)]),
  fc
    .tuple(fc.constantFrom<32 | 64>(32, 64), fc.nat(15), register, register)
    .map(([w, condition, a, b]) => [...prefixes(w), 0x0f, 0x40 | condition, registers(b, a)]),
  fc.tuple(register, register).map(([a, b]) => [0x86, registers(a & 3, (b & 3) | 4)]),
  fc.tuple(register, register).map(([a, b]) => [0x48, 0x0f, 0xbe, registers(b, a)]),
  fc.tuple(width, register).map(([w, a]) => sized(w, [0xf6], [0xf7], registers(a, 3))),
  fc.tuple(width, register, fc.nat(1)).map(([w, a, way]) => sized(w, [0xfe], [0xff], registers(a, way))),
);

const decoder = new Decoder({}, FLAT_COSTS);

test('a block compiled from the meanings does what the reference engine does', () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const registersView = new BigUint64Array(memory.buffer, 0, 17);
  const core = new FlatCore(64, 0x1_0000);
  fc.assert(
    fc.property(
      fc.array(instruction, { minLength: 1, maxLength: 12 }),
      fc.array(registerValue, { minLength: 16, maxLength: 16 }),
      statusFlags,
      fc.uint8Array({ minLength: DATA_SIZE, maxLength: DATA_SIZE }),
      (program, gpr, flags, data) => {
        const bytes = [...program.flat(), 0xf4];
        const start = gpr.map((value, i) => (i === RDI ? BigInt(DATA) : value));
        core.loadCode(CODE, bytes);
        core.memory.write(DATA, data);
        core.state.u64.set(start);
        core.state.i32[I32_RFLAGS] = flags;
        core.run();

        const instructions: Instruction[] = [];
        decoder.decodeRun(Uint8Array.from(bytes), 0, CODE_64, (insn) => {
          if (insn.kind === 'plain') instructions.push(insn);
          return insn.kind === 'plain';
        });
        expect(instructions).toHaveLength(program.length);
        registersView.set(start);
        registersView[16] = BigInt(flags);
        new Uint8Array(memory.buffer).set(data, GUEST + DATA);
        ToyEmitter.compile(instructions, memory)();

        expect([...registersView]).toEqual([...core.state.u64.subarray(0, 16), BigInt(core.state.i32[I32_RFLAGS]!)]);
        expect(new Uint8Array(memory.buffer, GUEST + DATA, DATA_SIZE)).toEqual(core.memory.bytes.slice(DATA, DATA + DATA_SIZE));
      },
    ),
    { numRuns: 500 },
  );
});
