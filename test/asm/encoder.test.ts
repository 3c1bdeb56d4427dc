import fc from 'fast-check';
import { Decoder, DecoderOptions, Register as IcedRegister, Instruction, MemorySizeExt, Mnemonic, OpKind } from 'iced-x86';
import { describe, expect, test } from 'vitest';
import { encodeInstruction } from '../../src/asm/encoder.ts';
import { mem, mem8, mem16, mem32, mem64, type Operand } from '../../src/asm/operand.ts';
import { al, ax, bx, cl, cr0, cr8, cs, dx, eax, ecx, edi, gs, r8, r12, r13, rax, rbp, rcx, rdi, rsp, sil } from '../../src/asm/register.ts';
import { addr, distance } from '../../src/asm/symbolValue.ts';
import { instruction } from '../arbitraries/instructions.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const encoded = (mnemonic: string, ...operands: Operand[]): string => hex(encodeInstruction(64, mnemonic, operands).bytes);

/** What a decoder sees in the bytes, in the terms of the assembler's operands. */
function decoded(bytes: Uint8Array): { mnemonic: string; operands: unknown[]; length: number } {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const found = new Instruction();
  try {
    decoder.decodeOut(found);
    const registerName = (register: IcedRegister): string | undefined =>
      register === IcedRegister.None ? undefined : IcedRegister[register]!.toLowerCase().replace(/^(r\d+)l$/, '$1b');
    const operands = Array.from({ length: found.opCount }, (_, place): unknown => {
      switch (found.opKind(place)) {
        case OpKind.Register:
          return registerName(found.opRegister(place));
        case OpKind.Memory:
          return {
            width: MemorySizeExt.size(found.memorySize) * 8,
            segment: registerName(found.segmentPrefix),
            base: registerName(found.memoryBase),
            index: registerName(found.memoryIndex),
            scale: found.memoryIndex === IcedRegister.None ? undefined : found.memoryIndexScale,
            displacement: BigInt.asIntN(64, found.memoryDisplacement),
          };
        default:
          return BigInt.asIntN(64, found.immediate(place));
      }
    });
    return { mnemonic: Mnemonic[found.mnemonic]!.toLowerCase(), operands, length: found.length };
  } finally {
    found.free();
    decoder.free();
  }
}

/** The same view of what was asked for. Immediates are compared modulo the width of the other operand. */
function expected(mnemonic: string, operands: readonly Operand[]): { mnemonic: string; operands: unknown[] } {
  return {
    mnemonic,
    operands: operands.map((operand) => {
      if (typeof operand !== 'object') return BigInt(operand);
      if (operand.kind !== 'memory') return operand.kind === 'symbol' ? undefined : operand.name;
      return {
        width: operand.width,
        segment: operand.segment?.name,
        base: operand.base?.name,
        index: operand.index?.register.name,
        scale: operand.index?.scale,
        displacement: BigInt(operand.displacement),
      };
    }),
  };
}

/** Immediates as patterns of a width, so that 0xff and -1 are the same byte. */
const normalised = (view: { mnemonic: string; operands: unknown[] }, width: number): unknown => {
  const operands = view.operands.map((operand) => (typeof operand === 'bigint' ? BigInt.asUintN(width, operand) : operand));
  return { mnemonic: view.mnemonic, operands };
};

/** Their counts are bytes whatever the operand's width. */
const SHIFTS = new Set(['shl', 'shr', 'sar', 'rol', 'ror']);

describe('encoding', () => {
  test('an instruction decodes to what was written', () => {
    fc.assert(
      fc.property(instruction, ({ mnemonic, operands }) => {
        const { bytes } = encodeInstruction(64, mnemonic, operands);
        const seen = decoded(bytes);
        const first = operands[0] as { width: number };
        const width = SHIFTS.has(mnemonic) ? 8 : first.width;
        expect(seen.length).toBe(bytes.length);
        expect(normalised(seen, width)).toEqual(normalised(expected(mnemonic, operands), width));
      }),
      { numRuns: 3000 },
    );
  });

  test('the shortest form is taken', () => {
    expect({
      'add rax, 1': encoded('add', rax, 1),
      'add eax, 1000': encoded('add', eax, 1000),
      'add ecx, 0xffffffff': encoded('add', ecx, 0xffff_ffff),
      'shl rax, 1': encoded('shl', rax, 1),
      'mov rax, -1': encoded('mov', rax, -1),
      'mov rax, all ones': encoded('mov', rax, 0xffff_ffff_ffff_ffffn),
      'mov rax, 2^32': encoded('mov', rax, 2 ** 32),
      'push 1': encoded('push', 1),
      'push 0x1234': encoded('push', 0x1234),
      ret: encoded('ret'),
      nop: encoded('nop'),
    }).toEqual({
      'add rax, 1': '4883c001',
      'add eax, 1000': '05e8030000',
      'add ecx, 0xffffffff': '83c1ff',
      'shl rax, 1': '48d1e0',
      'mov rax, -1': '48c7c0ffffffff',
      'mov rax, all ones': '48c7c0ffffffff',
      'mov rax, 2^32': '48b80000000001000000',
      'push 1': '6a01',
      'push 0x1234': '6834120000',
      ret: 'c3',
      nop: '90',
    });
  });

  test('addressing forms that need a displacement or a SIB byte have one', () => {
    expect({
      '[rbp]': encoded('mov', rax, mem64(rbp)),
      '[r13]': encoded('mov', rax, mem64(r13)),
      '[rsp]': encoded('mov', rax, mem64(rsp)),
      '[r12]': encoded('mov', rax, mem64(r12)),
      '[rbp + rcx*8]': encoded('mov', rax, mem64(rbp, rcx.times(8))),
      '[gs: 0x10]': encoded('mov', rax, mem64(gs, 0x10)),
      '[0x1000]': encoded('mov', eax, mem32(0x1000)),
    }).toEqual({
      '[rbp]': '488b4500',
      '[r13]': '498b4500',
      '[rsp]': '488b0424',
      '[r12]': '498b0424',
      '[rbp + rcx*8]': '488b44cd00',
      '[gs: 0x10]': '65488b042510000000',
      '[0x1000]': '8b042500100000',
    });
  });

  test('system instructions name their registers', () => {
    expect({
      'mov cr0, rax': encoded('mov', cr0, rax),
      'mov rax, cr8': encoded('mov', rax, cr8),
      'mov gs, ax': encoded('mov', gs, eax),
      'out dx, al': encoded('out', dx, al),
      'in al, 0x60': encoded('in', al, 0x60),
      'shl [rdi], cl': encoded('shl', mem64(rdi), cl),
      'invlpg [rdi]': encoded('invlpg', mem(rdi)),
      'invpcid rax, [rsp]': encoded('invpcid', rax, mem(rsp)),
      'setb sil': encoded('setb', sil),
    }).toEqual({
      'mov cr0, rax': '0f22c0',
      'mov rax, cr8': '440f20c0',
      'mov gs, ax': '8ee8',
      'out dx, al': 'ee',
      'in al, 0x60': 'e460',
      'shl [rdi], cl': '48d327',
      'invlpg [rdi]': '0f013f',
      'invpcid rax, [rsp]': '660f38820424',
      'setb sil': '400f92c6',
    });
  });

  test('code size chooses prefixes and addressing', () => {
    const of = (bits: 16 | 32, mnemonic: string, ...operands: Operand[]): string => hex(encodeInstruction(bits, mnemonic, operands).bytes);
    expect({
      'mov eax, [0x1234] in 16-bit code': of(16, 'mov', eax, mem32(0x1234)),
      'mov ax, [bx + 4] in 16-bit code': of(16, 'mov', ax, mem16(bx, 4)),
      'or eax, 1 in 16-bit code': of(16, 'or', eax, 1),
      'mov cr0, eax in 16-bit code': of(16, 'mov', cr0, eax),
      'push 5 in 32-bit code': of(32, 'push', 5),
      'mov ax, cs in 16-bit code': of(16, 'mov', ax, cs),
      'inc eax in 32-bit code': of(32, 'inc', eax),
    }).toEqual({
      'mov eax, [0x1234] in 16-bit code': '668b063412',
      'mov ax, [bx + 4] in 16-bit code': '8b4704',
      'or eax, 1 in 16-bit code': '6683c801',
      'mov cr0, eax in 16-bit code': '0f22c0',
      'push 5 in 32-bit code': '6a05',
      'mov ax, cs in 16-bit code': '8cc8',
      'inc eax in 32-bit code': '40',
    });
  });

  test('symbol values leave a place wide enough for an address', () => {
    const fixups = (bits: 16 | 64, mnemonic: string, ...operands: Operand[]): unknown =>
      encodeInstruction(bits, mnemonic, operands).fixups.map(({ offset, size, relative, value }) => ({
        offset,
        size,
        relative,
        addend: value.addend,
      }));
    expect(fixups(64, 'mov', rax, mem64('x', 8))).toEqual([{ offset: 3, size: 4, relative: true, addend: 8 }]);
    expect(fixups(64, 'mov', rax, mem64('x', rcx.times(8)))).toEqual([{ offset: 4, size: 4, relative: false, addend: 0 }]);
    expect(fixups(64, 'mov', edi, addr('x', 1))).toEqual([{ offset: 1, size: 4, relative: false, addend: 1 }]);
    expect(fixups(64, 'mov', mem64('x'), addr('y'))).toEqual([
      { offset: 3, size: 4, relative: true, addend: 0 },
      { offset: 7, size: 4, relative: false, addend: 0 },
    ]);
    expect(fixups(16, 'lgdt', mem(distance('a', 'b')))).toEqual([{ offset: 3, size: 2, relative: false, addend: 0 }]);
  });

  test('operands that no form takes are refused with the forms there are', () => {
    expect(() => encodeInstruction(64, 'inc', [1])).toThrow('inc 0x1: no such form; there is INC r/m8; INC r/m16; INC r/m32; INC r/m64');
    expect(() => encodeInstruction(64, 'mov', [rax, ecx])).toThrow('mov rax, ecx: no such form');
    expect(() => encodeInstruction(64, 'mov', [mem8(rdi), mem8(rcx)])).toThrow('no such form');
    expect(() => encodeInstruction(64, 'mov', [al, 256])).toThrow('mov al, 0x100: no such form');
    expect(() => encodeInstruction(64, 'frobnicate', [])).toThrow('no instruction frobnicate in 64-bit code');
    expect(() => encodeInstruction(32, 'syscall', [])).not.toThrow();
    expect(() => encodeInstruction(32, 'swapgs', [])).toThrow('no instruction swapgs in 32-bit code');
    expect(() => encodeInstruction(64, 'add', [rax, 1], true)).toThrow('lock add: the destination is not in memory');
    expect(() => encodeInstruction(64, 'mov', [mem64(rdi), 1], true)).toThrow('lock mov: takes no LOCK prefix');
    expect(() => encodeInstruction(64, 'mov', [rax, mem64(r8, ecx.times(4))])).toThrow('base and index differ in width');
  });
});
