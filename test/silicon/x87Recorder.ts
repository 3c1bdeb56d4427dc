/** x87 and MMX cases that are worth keeping: for every form one that runs through and one that faults, where there are such. */
import { type Instruction, OPERAND_VECTOR } from '../../src/cpu/decode/instruction.ts';
import { X87_SETS, X87CaseGenerator, x87Forms } from './x87Cases.ts';
import { x87Differences } from './x87Comparison.ts';
import { X87Model } from './x87Model.ts';
import type { X87Record } from './x87Records.ts';
import { compileX87Harness, DATA, DATA_SIZE, type X87Case } from './x87Silicon.ts';

const ROUNDS = 40;
const BATCH = 4000;

/** Records that both the processor and the reference engine agree about. */
export function recordX87(seed: number): X87Record[] {
  const harness = compileX87Harness();
  if (harness === undefined) throw new Error('gcc cannot compile x87Harness.c here');
  const model = new X87Model('reference');
  const generator = new X87CaseGenerator(seed);
  const kept: X87Record[] = [];
  for (const set of X87_SETS) {
    const wanted = new Set([...x87Forms(set).keys()].flatMap((form) => [`${form} through`, `${form} fault`]));
    const through = (): boolean => [...wanted].some((key) => key.endsWith('through'));
    for (let round = 0; round < ROUNDS && (through() || round < ROUNDS / 4) && wanted.size > 0; round++) {
      const cases = Array.from({ length: BATCH }, () =>
        generator.next(set, ({ form }) => wanted.has(`${form} through`) || wanted.has(`${form} fault`)),
      );
      const lean = cases.map(({ test, insn }) => ({ insn, test: leanOf(test, insn, set === 'state') }));
      const outcomes = harness.run(lean.map(({ test }) => test));
      lean.forEach(({ test, insn }, i) => {
        const outcome = outcomes[i]!;
        const key = `${insn.form} ${outcome.fault === '' ? 'through' : 'fault'}`;
        if (!wanted.has(key)) return;
        const actual = model.run(test);
        if (typeof actual === 'string' || x87Differences(insn, outcome, actual).length > 0) return;
        wanted.delete(key);
        kept.push({ form: insn.form, test, outcome });
      });
    }
  }
  harness.remove();
  return kept.sort((a, b) => (a.form < b.form ? -1 : a.form > b.form ? 1 : a.outcome.fault < b.outcome.fault ? -1 : 1));
}

/** What the instruction does not look at is 0, to keep the files small. */
function leanOf(test: X87Case, { operands, memory, mnemonic }: Instruction, state: boolean): X87Case {
  const integers = new Set([0, 2, 7, memory?.base ?? -1, memory?.index ?? -1, ...operands.map(({ register }) => register & 15)]);
  const gpr = test.gpr.map((value, i) => (integers.has(i) ? value : 0n));
  const vectors = new Set(operands.filter(({ kind, width }) => kind === OPERAND_VECTOR && width === 128).map(({ register }) => register));
  const stack = new Set([
    0,
    1,
    ...operands.filter(({ kind, width }) => kind === OPERAND_VECTOR && width !== 128).map(({ register }) => register),
  ]);
  // MMX registers are numbered from R0, not from the top of the stack.
  const top = (test.status >> 11) & 7;
  const isRead = (i: number): boolean => stack.has(i) || stack.has((i + top) & 7);
  // Images of the whole state differ in few places from what is stored over them.
  const isKept = (i: number): boolean => (state ? i < 3 : vectors.has(i));
  return {
    ...test,
    gpr,
    stack: test.stack.map((bits, i) => (isRead(i) ? bits : 0n)),
    xmm: test.xmm.map((half, i) => (isKept(i >> 1) ? half : 0n)),
    memory: leanMemory(test, memory, mnemonic, state),
  };
}

function leanMemory(test: X87Case, memory: Instruction['memory'], mnemonic: string, state: boolean): Uint8Array {
  const kept = new Uint8Array(DATA_SIZE);
  const base = mnemonic === 'Maskmovq' ? test.gpr[7]! : memory === undefined || memory.base < 0 ? undefined : addressOf(test, memory);
  if (base === undefined) return kept;
  const at = Number(BigInt.asUintN(64, base)) - DATA;
  const copy = (from: number, bytes: number): void => {
    if (from >= 0 && from + bytes <= DATA_SIZE) kept.set(test.memory.subarray(from, from + bytes), from);
  };
  copy(at, state ? 64 : 16);
  if (state && /^[XF]x?(?:save|rstor)/i.test(mnemonic)) {
    // Some registers, and the header of an XSAVE area.
    copy(at + 160, 32);
    if (mnemonic.startsWith('X')) copy(at + 512, 64);
  } else if (state) copy(at + 64, 48);
  return kept;
}

function addressOf({ gpr }: X87Case, memory: NonNullable<Instruction['memory']>): bigint {
  const index = memory.index >= 0 ? gpr[memory.index]! * BigInt(memory.scale) : 0n;
  return gpr[memory.base]! + index + memory.displacement;
}
