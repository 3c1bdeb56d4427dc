/**
 * x87 and MMX in the model against the processor at hand: random single instructions, whole results. Runs where gcc and an x86-64 Linux are.
 * SILICON_CASES and SILICON_SEED choose how many and which; SILICON_ONLY is a pattern of forms.
 */
import { afterAll, expect, test } from 'vitest';
import { RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import { X87_C0, X87_C1, X87_C2, X87_C3, X87_ES } from '../../src/arch/x87.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { FLAT_COSTS } from '../cpu/flatCore.ts';
import { StateCore } from './stateCore.ts';
import { X87CaseGenerator } from './x87Cases.ts';
import { compileX87Harness, runX87Model, type X87Case, type X87Outcome } from './x87Silicon.ts';

const count = Number(process.env['SILICON_CASES'] ?? 4000);
const seed = Number(process.env['SILICON_SEED'] ?? 1);
const only = new RegExp(process.env['SILICON_ONLY'] ?? '');
/** Cases handed to the harness at once. */
const BATCH = 20_000;

const harness = compileX87Harness();
afterAll(() => harness?.remove());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const number = (bits: bigint): string =>
  `${(bits >> 64n).toString(16).padStart(4, '0')}:${BigInt.asUintN(64, bits).toString(16).padStart(16, '0')}`;

const COMPARISON = /^Fu?(?:com|icom)|^Ftst/;
const COMPARISON_TO_FLAGS = /^Fu?comip?$/;

/** The manual has comparisons leave their outcome alone when an unmasked exception is pending; this processor writes it all the same. */
const outcomeLeftOpen = (insn: Instruction, native: X87Outcome): boolean =>
  COMPARISON.test(insn.mnemonic) && (native.status & X87_ES) !== 0;

const ELEMENTARY = /^F(?:2xm1|yl2x|yl2xp1|patan|sin|cos|sincos|ptan)$/;
/** Elementary functions: each of the two is within 1 unit in the last place of the truth. */
const isNear = (insn: Instruction, a: bigint, b: bigint): boolean =>
  ELEMENTARY.test(insn.mnemonic) && Math.abs(Number(placeOf(a) - placeOf(b))) <= ELEMENTARY_ERROR;
/** Numbers in their order, neighbours 1 apart. */
const placeOf = (bits: bigint): bigint => ((bits >> 64n) << 63n) + BigInt.asUintN(63, bits);
const ELEMENTARY_ERROR = 2;

/** Bits of the status word in which this processor is not what the manual says: FCOMI and its kind do not clear C1 here. */
const statusLeftOpen = (insn: Instruction, native: X87Outcome): number =>
  (ELEMENTARY.test(insn.mnemonic) ? X87_C1 : 0) |
  (outcomeLeftOpen(insn, native) ? X87_C0 | X87_C2 | X87_C3 : 0) |
  (COMPARISON_TO_FLAGS.test(insn.mnemonic) ? X87_C1 : 0);

/** AMD's processors have a bit of MXCSR more, and FXSAVE tells so. */
const isMxcsrMask = (insn: Instruction, native: number, model: number): boolean =>
  insn.mnemonic.startsWith('Fxsave') && native === 2 && model === 0;

/** Differences, in words; empty when the model did what the processor did. */
function differences(insn: Instruction, native: X87Outcome, model: X87Outcome): string[] {
  const found: string[] = [];
  const compare = (name: string, a: number | bigint, b: number | bigint): void => {
    if (a !== b) found.push(`${name} ${a.toString(16)} | ${b.toString(16)}`);
  };
  if (native.fault !== model.fault) found.push(`fault ${native.fault || 'none'} | ${model.fault || 'none'}`);
  compare('control', native.control, model.control);
  const open = statusLeftOpen(insn, native);
  compare('status', native.status & ~open, model.status & ~open);
  compare('in use', native.inUse, model.inUse);
  // This processor's FXSAVE tells of them while an exception is pending only.
  if ((native.status & X87_ES) !== 0) {
    compare('instruction', native.instruction, model.instruction);
    compare('data', native.data, model.data);
  }
  compare('MXCSR', native.mxcsr, model.mxcsr);
  native.stack.forEach((bits, i) => {
    if (isNear(insn, bits, model.stack[i]!)) return;
    if (bits !== model.stack[i]) found.push(`st${i} ${number(bits)} | ${number(model.stack[i]!)}`);
  });
  native.xmm.forEach((half, i) => {
    compare(`xmm${i >> 1}`, half, model.xmm[i]!);
  });
  const at = native.memory.findIndex((byte, i) => byte !== model.memory[i] && !isMxcsrMask(insn, byte, model.memory[i]!));
  if (at >= 0) {
    found.push(`memory at ${at}: ${hex(native.memory.slice(at - 2, at + 10))} | ${hex(model.memory.slice(at - 2, at + 10))}`);
  }
  if (native.fault !== '' || model.fault !== '') return found;
  native.gpr.forEach((value, i) => {
    compare(`r${i}`, value, model.gpr[i]!);
  });
  if (!outcomeLeftOpen(insn, native)) compare('flags', native.flags & RFLAGS_STATUS, model.flags & RFLAGS_STATUS);
  return found;
}

function describe(insn: Instruction, test: X87Case): string {
  const registers = [0, 1].map((i) => `st${i} ${number(test.stack[i]!)}`);
  const words = `control ${test.control.toString(16)} status ${test.status.toString(16)} in use ${test.inUse.toString(16)}`;
  return `${insn.form} ${hex(test.code)} ${words} ${registers.join(' ')}`;
}

test.runIf(harness !== undefined).each(['x87', 'MMX'])(
  'Random %s instructions do what the processor at hand does',
  { timeout: 3_600_000 },
  (set) => {
    const core = new StateCore();
    const generator = new X87CaseGenerator(new Decoder({}, FLAT_COSTS), seed);
    const failures: string[] = [];
    for (let done = 0; done < count; done += BATCH) {
      const cases = Array.from({ length: Math.min(BATCH, count - done) }, () =>
        generator.next((insn) => only.test(insn.form), set === 'MMX'),
      );
      const outcomes = harness!.run(cases.map((one) => one.test));
      cases.forEach(({ test, insn }, i) => {
        const found = differences(insn, outcomes[i]!, runX87Model(core, test));
        if (found.length > 0) failures.push(`${describe(insn, test)}: ${found.join('; ')}`);
      });
    }
    expect(failures.slice(0, Number(process.env['SILICON_SHOW'] ?? 20))).toEqual([]);
  },
);
