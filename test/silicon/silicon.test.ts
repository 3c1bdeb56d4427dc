/**
 * The model against the processor at hand: random single instructions, whole results. Runs where gcc and an x86-64 Linux are.
 * SILICON_CASES and SILICON_SEED choose how many and which; SILICON_UNDEFINED=1 compares undefined flags too.
 */
import { afterAll, expect, test } from 'vitest';
import { RFLAGS_DF, RFLAGS_STATUS } from '../../src/arch/rflags.ts';
import { Decoder } from '../../src/cpu/decode/decoder.ts';
import type { Instruction } from '../../src/cpu/decode/instruction.ts';
import { FLAT_COSTS, FlatCore } from '../cpu/flatCore.ts';
import { CaseGenerator } from './randomCases.ts';
import { compileHarness, harnessSource, type Outcome, runModel, type SiliconCase } from './silicon.ts';

const count = Number(process.env['SILICON_CASES'] ?? 4000);
const seed = Number(process.env['SILICON_SEED'] ?? 1);
const undefinedToo = process.env['SILICON_UNDEFINED'] === '1';

const harness = compileHarness(harnessSource);
afterAll(() => harness?.remove());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Differences, in words; empty when the model did what the processor did. */
function differences(insn: Instruction, native: Outcome, model: Outcome): string[] {
  if (native.fault !== model.fault) return [`fault ${native.fault || 'none'} | ${model.fault || 'none'}`];
  if (native.fault !== '') return [];
  const found: string[] = [];
  native.gpr.forEach((value, i) => {
    if (value !== model.gpr[i]) found.push(`r${i} ${value.toString(16)} | ${model.gpr[i]!.toString(16)}`);
  });
  const compared = (RFLAGS_STATUS | RFLAGS_DF) & ~(undefinedToo ? 0 : insn.flagsUndefined);
  const flags = (native.flags ^ model.flags) & compared;
  if (flags !== 0) found.push(`flags differ in ${flags.toString(16)}: ${native.flags.toString(16)} | ${model.flags.toString(16)}`);
  if (native.branched !== model.branched) found.push(`branched ${native.branched} | ${model.branched}`);
  if (hex(native.data) !== hex(model.data)) found.push('memory differs');
  return found;
}

/** Results the SDM leaves undefined, beyond flags. */
function resultIsUndefined(insn: Instruction, test: SiliconCase): boolean {
  if (undefinedToo) return false;
  if (/^Bs[fr]$/.test(insn.mnemonic) || (insn.mnemonic === 'Bswap' && insn.width === 16)) return true;
  // Counts beyond the width.
  if (/^Sh[lr]d?$/.test(insn.mnemonic) && insn.width < 32) {
    const last = insn.operands[insn.operands.length - 1]!;
    const value = last.kind === 2 ? last.immediate : test.gpr[1]!;
    return Number(value & 31n) >= insn.width;
  }
  return false;
}

test.runIf(harness !== undefined)('Random instructions do what the processor at hand does', () => {
  const core = new FlatCore();
  const generator = new CaseGenerator(new Decoder({}, FLAT_COSTS), seed);
  const cases = Array.from({ length: count }, () => generator.next());
  const outcomes = harness!.run(cases.map(({ test }) => test));
  const failures: string[] = [];
  cases.forEach(({ test, insn }, i) => {
    if (resultIsUndefined(insn, test)) return;
    const found = differences(insn, outcomes[i]!, runModel(core, test));
    if (found.length > 0) failures.push(`${insn.form} ${hex(test.code)} flags ${test.flags.toString(16)}: ${found.join('; ')}`);
  });
  expect(failures).toEqual([]);
});
