/** SSE cases that are worth keeping: for every form one that runs through and one that faults, where there are such. */
import { type Instruction, OPERAND_VECTOR } from '../../src/cpu/decode/instruction.ts';
import { VectorCaseGenerator, vectorForms } from './vectorCases.ts';
import { vectorDifferences } from './vectorComparison.ts';
import { VectorModel } from './vectorModel.ts';
import type { VectorRecord } from './vectorRecords.ts';
import { compileVectorHarness, DATA, DATA_SIZE, type VectorCase } from './vectorSilicon.ts';

const ROUNDS = 60;
const BATCH = 4000;
/** Bytes that are kept around an operand in memory. */
const OPERAND = 16;

/** Records that both the processor and the reference engine agree about. */
export function recordVectors(seed: number): VectorRecord[] {
  const harness = compileVectorHarness();
  if (harness === undefined) throw new Error('gcc cannot compile vectorHarness.c here');
  const model = new VectorModel('reference');
  const generator = new VectorCaseGenerator(seed);
  const wanted = new Set([...vectorForms().keys()].flatMap((form) => [`${form} through`, `${form} fault`]));
  const kept: VectorRecord[] = [];
  for (let round = 0; round < ROUNDS && wanted.size > 0; round++) {
    const cases: { test: VectorCase; insn: Instruction }[] = [];
    const open = ({ form }: Instruction): boolean => wanted.has(`${form} through`) || (round < ROUNDS / 4 && wanted.has(`${form} fault`));
    if (![...wanted].some((key) => key.endsWith('through')) && round >= ROUNDS / 4) break;
    while (cases.length < BATCH) cases.push(...generator.group(2, open).map(({ test, insn }) => ({ test: lean(test, insn), insn })));
    const outcomes = harness.run(cases.map(({ test }) => test));
    cases.forEach(({ test, insn }, i) => {
      const outcome = outcomes[i]!;
      const key = `${insn.form} ${outcome.fault === '' ? 'through' : 'fault'}`;
      if (!wanted.has(key)) return;
      const actual = model.run(test);
      if (typeof actual === 'string' || vectorDifferences(insn, outcome, actual).length > 0) return;
      wanted.delete(key);
      kept.push({ form: insn.form, test, outcome });
    });
  }
  harness.remove();
  return kept.sort((a, b) => (a.form < b.form ? -1 : a.form > b.form ? 1 : a.outcome.fault < b.outcome.fault ? -1 : 1));
}

/** What the instruction does not look at is 0, to keep the files small; XMM0, RAX, RDX and the like may be looked at without being named. */
function lean(test: VectorCase, { operands, memory, mnemonic }: Instruction): VectorCase {
  const named = operands.map(({ kind, register }) => [kind === OPERAND_VECTOR, register & 15] as const);
  const vectors = new Set([0, ...named.filter(([vector]) => vector).map(([, register]) => register)]);
  const integers = new Set([0, 2, 7, memory?.base ?? -1, memory?.index ?? -1, ...named.map(([, register]) => register)]);
  const data = new Uint8Array(DATA_SIZE);
  const at = operandAddress(test, memory, mnemonic) - DATA;
  if (at >= 0 && at + OPERAND <= DATA_SIZE) data.set(test.data.subarray(at, at + OPERAND), at);
  return {
    ...test,
    gpr: test.gpr.map((value, i) => (integers.has(i) ? value : 0n)),
    xmm: test.xmm.map((half, i) => (vectors.has(i >> 1) ? half : 0n)),
    data,
  };
}

function operandAddress({ gpr }: VectorCase, memory: Instruction['memory'], mnemonic: string): number {
  if (mnemonic === 'Maskmovdqu') return Number(gpr[7]);
  if (memory === undefined || memory.base < 0) return -1;
  const index = memory.index >= 0 ? gpr[memory.index]! * BigInt(memory.scale) : 0n;
  return Number(BigInt.asUintN(memory.addressWidth, gpr[memory.base]! + index + memory.displacement));
}
