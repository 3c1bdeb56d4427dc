import * as iced from 'iced-x86';
import { describe, expect, test } from 'vitest';
import type { Core } from '../../../src/cpu/core.ts';
import {
  CODE_16_STACK_16,
  CODE_16_STACK_32,
  CODE_32_STACK_16,
  CODE_32_STACK_32,
  CODE_64,
  type CodeMode,
} from '../../../src/cpu/decode/codeMode.ts';
import { Decoder } from '../../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../../src/cpu/decode/instruction.ts';
import { GuestFault, guestFault } from '../../../src/cpu/guestFault.ts';
import type { Operation } from '../../../src/cpu/operation.ts';
import { SEMANTICS, SYSTEM_OPERATIONS } from '../../../src/cpu/semantics/table.ts';
import { FLAT_COSTS } from '../flatCore.ts';

/** A decoder whose long operations are told apart by name. */
const operations: Record<string, Operation> = {};
for (const key of SYSTEM_OPERATIONS) operations[key] = Object.assign(() => {}, { key });
const decoder = new Decoder(operations, FLAT_COSTS);

function decode(bytes: readonly number[], mode: CodeMode = CODE_64): Instruction {
  const insn = decoder.decode(Uint8Array.from(bytes), 0, mode);
  if (insn === undefined) throw new Error('cut off');
  return insn;
}

/** What happens when a system instruction runs: the key of its operation, or the fault it raises, or what it reports. */
function outcome(bytes: readonly number[], mode: CodeMode = CODE_64): unknown {
  const insn = decode(bytes, mode);
  const { key } = insn.operation as { key?: string };
  if (key !== undefined) return key;
  const reports: unknown[] = [];
  const core = { stopUnimplemented: (stopped: Instruction, encoding: Uint8Array) => reports.push([stopped.form, [...encoding]]) };
  try {
    insn.operation(core as unknown as Core, insn);
  } catch (thrown) {
    if (thrown instanceof GuestFault) return { vector: guestFault.vector, errorCode: guestFault.errorCode };
    throw thrown;
  }
  return reports[0];
}

describe('a decoded instruction', () => {
  test('is a plain record of decode-time facts', () => {
    const insn = decode([0x48, 0x01, 0x4c, 0xd8, 0x10]);
    expect({ ...insn, meaning: undefined, operation: undefined }).toEqual({
      form: 'Add_rm64_r64',
      mnemonic: 'Add',
      offset: 0,
      length: 5,
      mode: 64,
      width: 64,
      addressWidth: 64,
      stackWidth: 64,
      operands: [
        { kind: 1, register: -1, width: 64, immediate: 0n },
        { kind: 0, register: 1, width: 64, immediate: 0n },
      ],
      memory: { base: 0, index: 3, scale: 8, displacement: 16n, ripRelative: false, segment: 3, addressWidth: 64 },
      segment: 3,
      lock: false,
      repeat: 0,
      condition: -1,
      delta: 0,
      flagsRead: 0,
      flagsWritten: 0x8d5,
      flagsUndefined: 0,
      kind: 'plain',
      meaning: undefined,
      operation: undefined,
      cycles: 1,
    });
  });

  test('does not depend on where it lies', () => {
    const bytes = Uint8Array.from([0x48, 0x8b, 0x05, 0xf0, 0xff, 0xff, 0xff, 0x75, 0xfe, 0xe8, 0, 1, 0, 0]);
    const seen = [0, 0x123].map((offset) => {
      const records: unknown[] = [];
      decoder.decodeRun(bytes, offset, CODE_64, (insn) => {
        records.push({ ...insn, offset: insn.offset - offset });
        return true;
      });
      return records;
    });
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toMatchObject([{ memory: { displacement: 0xffff_ffff_ffff_fff0n, ripRelative: true } }, { delta: -2 }, { delta: 256 }]);
  });

  test.each([
    ['PUSH imm8', [0x6a, 0xff], CODE_64, { width: 64, operands: [{ immediate: 0xffff_ffff_ffff_ffffn }] }],
    ['ADD r/m16, imm8', [0x66, 0x83, 0xc3, 0x80], CODE_64, { width: 16, operands: [{}, { width: 16, immediate: 0xff80n }] }],
    ['RET imm16', [0xc2, 8, 0], CODE_64, { width: 64, operands: [{ immediate: 8n }] }],
    ['RET in 16-bit code', [0xc3], CODE_16_STACK_16, { width: 16, stackWidth: 16 }],
    ['PUSHF in 32-bit code', [0x9c], CODE_32_STACK_32, { width: 32, stackWidth: 32 }],
    ['a 32-bit stack of 16-bit code', [0x50], CODE_16_STACK_32, { width: 16, mode: 16, stackWidth: 32 }],
    ['a 16-bit stack of 32-bit code', [0x50], CODE_32_STACK_16, { width: 32, mode: 32, stackWidth: 16 }],
    ['CALL near', [0xe8, 0, 0, 0, 0], CODE_64, { width: 64, kind: 'branch' }],
    ['CWDE', [0x98], CODE_64, { width: 32 }],
    ['ENTER', [0xc8, 0x10, 0, 1], CODE_64, { width: 64, operands: [{ immediate: 0x10n }, { immediate: 1n }] }],
    ['OUT imm8, AL', [0xe6, 0xe9], CODE_64, { width: 8 }],
    ['OUT DX, EAX', [0xef], CODE_64, { width: 32 }],
    ['OUTSW', [0x66, 0x6f], CODE_64, { width: 16 }],
    ['IN EAX, DX', [0xed], CODE_64, { width: 32 }],
    ['LOOP with a 32-bit count', [0x67, 0xe2, 0], CODE_64, { addressWidth: 32 }],
    ['REP STOSQ at EDI', [0x67, 0xf3, 0x48, 0xab], CODE_64, { width: 64, addressWidth: 32, repeat: 1, kind: 'branch' }],
    ['STOSB alone', [0xaa], CODE_64, { width: 8, repeat: 0, kind: 'plain' }],
    ['REPNE SCASB', [0xf2, 0xae], CODE_64, { repeat: 2, kind: 'branch' }],
    ['MOVSB with FS', [0x64, 0xa4], CODE_64, { segment: 4 }],
    ['JNE', [0x75, 0x10], CODE_64, { condition: 5, delta: 16, flagsRead: 0x40 }],
    ['[BP + SI] in 16-bit code', [0x8b, 0x02], CODE_16_STACK_16, { memory: { base: 5, index: 6, segment: 2, addressWidth: 16 } }],
    ['MOV moffs', [0xa1, 1, 2, 3, 4, 5, 6, 7, 8], CODE_64, { memory: { base: -1, index: -1, displacement: 0x0807_0605_0403_0201n } }],
    [
      'a 32-bit displacement in 64-bit code',
      [0x8b, 0x04, 0x25, 0, 0, 0, 0x80],
      CODE_64,
      { memory: { displacement: 0xffff_ffff_8000_0000n, addressWidth: 64 } },
    ],
    ['XLATB', [0xd7], CODE_64, { width: 8, addressWidth: 64, segment: 3 }],
    ['a far pointer', [0xea, 4, 3, 2, 1, 8, 0], CODE_32_STACK_32, { operands: [{ kind: 7, immediate: 0x8_0102_0304n }] }],
  ] as const)('has the right sizes and operands: %s', (_name, bytes, mode, facts) => {
    expect(decode(bytes, mode)).toMatchObject(facts);
  });

  test('costs more when it is locked, divides or fences', () => {
    const cycles = [[0x90], [0xf0, 0xff, 0x00], [0x87, 0x03], [0x87, 0xc3], [0xf7, 0xf3], [0x0f, 0xae, 0xf0]].map(
      (bytes) => decode(bytes).cycles,
    );
    expect(cycles).toEqual([1, 21, 21, 1, 31, 11]);
  });
});

describe('long operations', () => {
  test.each([
    ['HLT', [0xf4], 'Hlt'],
    ['MOV CR3, RAX', [0x0f, 0x22, 0xd8], 'MovToControl'],
    ['MOV RAX, CR2', [0x0f, 0x20, 0xd0], 'MovFromControl'],
    ['MOV DR7, RAX', [0x0f, 0x23, 0xf8], 'MovToDebug'],
    ['MOV RAX, DR6', [0x0f, 0x21, 0xf0], 'MovFromDebug'],
    ['MOV DS, EAX', [0x8e, 0xd8], 'MovToSegment'],
    ['POP FS', [0x0f, 0xa1], 'PopSegment'],
    ['JMP far [RDI]', [0xff, 0x2f], 'JmpFar'],
    ['CALL far [RDI]', [0xff, 0x1f], 'CallFar'],
    ['RETF', [0xcb], 'Retf'],
    ['IRETQ', [0x48, 0xcf], 'Iretq'],
    ['INVLPG', [0x0f, 0x01, 0x38], 'Invlpg'],
    ['INVPCID', [0x66, 0x0f, 0x38, 0x82, 0x00], 'Invpcid'],
    ['SYSRETQ', [0x48, 0x0f, 0x07], 'Sysretq'],
    ['INT 80h', [0xcd, 0x80], 'Int'],
    ['PAUSE', [0xf3, 0x90], 'Pause'],
    ['VMCALL', [0x0f, 0x01, 0xc1], 'Vmcall'],
    ['OUTSB', [0x6e], 'Outsb'],
    ['POPFQ', [0x9d], 'Popfq'],
  ] as const)('%s', (_name, bytes, key) => expect(outcome(bytes)).toBe(key));

  test('a NOP with a displacement in the range of marks is a mark, and another one is not', () => {
    expect(outcome([0x0f, 0x1f, 0x80, 0x01, 0x00, 0x41, 0x50])).toBe('Mark');
    expect(decode([0x0f, 0x1f, 0x80, 0x01, 0x00, 0x40, 0x50]).kind).toBe('plain');
    expect(decode([0x0f, 0x1f, 0x80, 0x00, 0x01, 0x41, 0x50]).kind).toBe('plain');
  });
});

describe('encodings that do not execute', () => {
  test('invalid ones and UD2 raise #UD', () => {
    const UD = { vector: 6, errorCode: -1 };
    // PUSH ES in 64-bit mode; MOV CS, r; LOCK on NOP and on a register; UD2.
    expect(
      [
        [0x06, 0x90],
        [0x8e, 0xc8],
        [0xf0, 0x90],
        [0xf0, 0x01, 0xc0],
        [0x0f, 0x0b],
      ].map((bytes) => outcome(bytes)),
    ).toEqual(Array(5).fill(UD));
  });

  test('more than 15 bytes raise #GP(0)', () => {
    expect(decode([...Array(14).fill(0x66), 0x90]).length).toBe(15);
    expect(outcome([...Array(15).fill(0x66), 0x90])).toEqual({ vector: 13, errorCode: 0 });
  });

  test('valid ones without a meaning stop the machine, with their bytes', () => {
    expect(outcome([0xc5, 0xf0, 0x58, 0xc1, 0x90])).toEqual(['VEX_Vaddps_xmm_xmm_xmmm128', [0xc5, 0xf0, 0x58, 0xc1]]);
  });

  test('a cut-off one is reported as such', () => {
    expect(decoder.decode(Uint8Array.of(0x48, 0x8b), 0, CODE_64)).toBeUndefined();
  });
});

test('the table knows no mnemonic that the decoder does not know', () => {
  const roles = /^(?:MovTo|MovFrom|PopSegment|JmpFar|CallFar|Mark)/;
  const unknown = [...SEMANTICS.keys(), ...SYSTEM_OPERATIONS].filter((name) => !roles.test(name) && !(name in iced.Mnemonic));
  expect(unknown).toEqual([]);
});

test('vector instructions that share a name with a string instruction are not string instructions', () => {
  const [load, store, strings] = [[0xf2, 0x0f, 0x10, 0xc1], [0xf2, 0x0f, 0x11, 0x03], [0xa5]].map((bytes) => decode(bytes));
  expect([load!.form, store!.form, strings!.form]).toEqual(['Movsd_xmm_xmmm64', 'Movsd_xmmm64_xmm', 'Movsd_m32_m32']);
  expect(load!.meaning).toBe(store!.meaning);
  expect(load!.meaning).not.toBe(strings!.meaning);
});

test('decoding does not grow iced’s memory', () => {
  const { memory } = (iced as unknown as { __wasm: { memory: { buffer: ArrayBuffer } } }).__wasm;
  const page = new Uint8Array(4096).fill(0x90);
  const round = (n: number) => {
    for (let i = 0; i < n; i++) decoder.decodeRun(page, 0, CODE_64, (insn) => insn.offset < 16);
  };
  round(50);
  const before = memory.buffer.byteLength;
  // Leaking any of the pages would take 80 MB.
  round(20_000);
  expect(memory.buffer.byteLength).toBe(before);
});
