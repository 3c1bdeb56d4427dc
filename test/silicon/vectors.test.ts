/**
 * SSE in the model against the processor at hand: random single instructions, whole results, MXCSR and traps. Runs where gcc and an x86-64
 * Linux are. SILICON_CASES and SILICON_SEED choose how many and which; SILICON_ONLY is a pattern of forms.
 */
import { afterAll, expect, test } from 'vitest';
import { RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { FLAT_COSTS, FlatCore } from '../cpu/flatCore.ts';
import { VectorCaseGenerator } from './vectorCases.ts';
import { compileVectorHarness, runVectorModel, type VectorCase, type VectorOutcome } from './vectorSilicon.ts';

const count = Number(process.env['SILICON_CASES'] ?? 4000);
const seed = Number(process.env['SILICON_SEED'] ?? 1);
const only = new RegExp(process.env['SILICON_ONLY'] ?? '');
/** Cases handed to the harness at once. */
const BATCH = 20_000;

const harness = compileVectorHarness();
afterAll(() => harness?.remove());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const vector = (xmm: readonly bigint[], i: number): string =>
  [xmm[2 * i + 1]!, xmm[2 * i]!].map((half) => half.toString(16).padStart(16, '0')).join('_');

const APPROXIMATE = /^R(?:cp|sqrt)[ps]s$/i;
/** The manual's bound for approximations, once for each side. */
const APPROXIMATE_ERROR = 2 * 1.5 * 2 ** -12;

/** True iff singles differ by no more than approximations may. */
function isNear(native: readonly bigint[], model: readonly bigint[]): boolean {
  const [a, b] = [native, model].map((halves) => new Float32Array(BigUint64Array.from(halves).buffer));
  const [x, y] = [native, model].map((halves) => new Uint32Array(BigUint64Array.from(halves).buffer));
  return a!.every((value, i) => x![i] === y![i] || Math.abs(value / b![i]! - 1) <= APPROXIMATE_ERROR);
}

/** Differences, in words; empty when the model did what the processor did. */
function differences(insn: Instruction, native: VectorOutcome, model: VectorOutcome): string[] {
  const found: string[] = [];
  if (native.fault !== model.fault) found.push(`fault ${native.fault || 'none'} | ${model.fault || 'none'}`);
  if (native.mxcsr !== model.mxcsr) found.push(`MXCSR ${native.mxcsr.toString(16)} | ${model.mxcsr.toString(16)}`);
  for (let i = 0; i < 16; i++) {
    if (vector(native.xmm, i) === vector(model.xmm, i)) continue;
    if (APPROXIMATE.test(insn.mnemonic) && isNear(native.xmm.slice(2 * i, 2 * i + 2), model.xmm.slice(2 * i, 2 * i + 2))) continue;
    found.push(`xmm${i} ${vector(native.xmm, i)} | ${vector(model.xmm, i)}`);
  }
  if (hex(native.data) !== hex(model.data)) found.push('memory differs');
  if (native.fault !== '' || model.fault !== '') return found;
  native.gpr.forEach((value, i) => {
    if (value !== model.gpr[i]) found.push(`r${i} ${value.toString(16)} | ${model.gpr[i]!.toString(16)}`);
  });
  const flags = (native.flags ^ model.flags) & RFLAGS_STATUS & ~insn.flagsUndefined;
  if (flags !== 0) found.push(`flags ${native.flags.toString(16)} | ${model.flags.toString(16)}`);
  return found;
}

function describe(insn: Instruction, test: VectorCase): string {
  const registers = insn.operands.filter(({ kind }) => kind === 8).map(({ register }) => `xmm${register} ${vector(test.xmm, register)}`);
  return `${insn.form} ${hex(test.code)} MXCSR ${test.mxcsr.toString(16)} ${registers.join(' ')}`;
}

test.runIf(harness !== undefined)('Random SSE instructions do what the processor at hand does', { timeout: 3_600_000 }, () => {
  const core = new FlatCore();
  const generator = new VectorCaseGenerator(new Decoder({}, FLAT_COSTS), seed);
  const failures: string[] = [];
  for (let done = 0; done < count; done += BATCH) {
    const cases = [];
    while (cases.length < Math.min(BATCH, count - done)) {
      const one = generator.next();
      if (only.test(one.insn.form)) cases.push(one);
    }
    const outcomes = harness!.run(cases.map(({ test }) => test));
    cases.forEach(({ test, insn }, i) => {
      const found = differences(insn, outcomes[i]!, runVectorModel(core, test));
      if (found.length > 0) failures.push(`${describe(insn, test)}: ${found.join('; ')}`);
    });
  }
  expect(failures).toEqual([]);
});
