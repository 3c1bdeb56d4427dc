/**
 * Repeated string instructions, many elements at a time, within one page of source and destination, while the clock lets the elements run on.
 *
 * An element is still an instruction: what is done here is exactly what executing the instruction so often would have done. The element after
 * these is always left to the instruction itself, on the same pages and before the horizon: it cannot fault, and it sets the flags that
 * CMPS and SCAS leave.
 */
import { FS, RAX, RCX, RDI, RSI } from '../../../arch/registers.ts';
import { LINE_SHIFT } from '../../../mmu/cacheLines.ts';
import { COUNTER_INSTRUCTIONS, COUNTER_TLB_LOOKUPS } from '../../../trace/counters.ts';
import { type Instruction, REPEAT_NE, REPEAT_NONE } from '../../decode/instruction.ts';
import { DF } from '../../semantics/flags.ts';
import { cmps, lods, movs, scas, stos } from '../../semantics/string.ts';
import type { CodeBuilder } from './codeBuilder.ts';
import type { FunctionWriter, Operand, Variable } from './functionWriter.ts';
import type { RegionLocals } from './instructionEmitter.ts';
import { hasLine, lineOffset } from './lineEmitter.ts';
import type { ModuleWriter } from './moduleWriter.ts';
import { counterByte, type TranslationHardware } from './translateEmitter.ts';
import { isCanonical } from './translationState.ts';
import { F64, I32, I64, op } from './wasmModule.ts';

/** `repeat(core, what, clock, horizon, cycles, count, source, destination, value)`. */
export const REPEAT_PARAMETERS = [I32, I32, F64, F64, F64, I64, I64, I64, I64] as const;

/** Bits of `what`: log2 of an element's bytes, then what the instruction does. */
const USES_SOURCE = 1 << 2;
const USES_DESTINATION = 1 << 3;
const WRITES = 1 << 4;
const WHILE_DIFFERENT = 1 << 5;
const COMPARES = 1 << 6;

const MEANINGS = new Map([
  [movs, USES_SOURCE | USES_DESTINATION | WRITES],
  [stos, USES_DESTINATION | WRITES],
  [lods, USES_SOURCE],
  [cmps, USES_SOURCE | USES_DESTINATION | COMPARES],
  [scas, USES_DESTINATION | COMPARES],
]);

const LINE_BYTES = 1 << LINE_SHIFT;
/** With fewer elements left the instruction is quicker by itself. */
const WORTH_IT = 8;
const LOADS = [op.i64_load8_u, op.i64_load16_u, op.i64_load32_u, op.i64_load];
const STORES = [op.i64_store8, op.i64_store16, op.i64_store32, op.i64_store];

/** What `repeat` is told of an instruction; 0 when it cannot do it. */
function whatOf({ meaning, repeat, addressWidth, segment, width }: Instruction): number {
  const what = MEANINGS.get(meaning);
  if (what === undefined || repeat === REPEAT_NONE || addressWidth !== 64) return 0;
  if (what & USES_SOURCE && segment >= FS) return 0;
  return what | Math.log2(width / 8) | (what & COMPARES && repeat === REPEAT_NE ? WHILE_DIFFERENT : 0);
}

/** Emits, before a repeated string instruction: many elements of it are done, if it is one of those and DF is clear. */
export function emitRepeatInBulk(builder: CodeBuilder, locals: RegionLocals, repeat: number, insn: Instruction): void {
  const what = whatOf(insn);
  if (what === 0) return;
  const { gpr, clock, horizon, core, flagsWord } = locals;
  const [count, source, destination, value] = [RCX, RSI, RDI, RAX].map((register) => gpr[register]!) as [number, number, number, number];
  builder.get(flagsWord);
  builder.i32(1 << DF);
  builder.op(op.i32_and);
  builder.op(op.i32_eqz);
  builder.get(count);
  builder.i64(BigInt(WORTH_IT));
  builder.op(op.i64_gt_u);
  builder.op(op.i32_and);
  builder.open(op.if);
  const elements = builder.local(I64);
  builder.get(core);
  builder.i32(what);
  builder.get(clock);
  builder.get(horizon);
  builder.f64(insn.cycles);
  for (const local of [count, source, destination, value]) builder.get(local);
  builder.call(repeat);
  builder.op(op.i64_extend_i32_u);
  builder.tee(elements);
  const change = (register: number, push: () => void, opcode: number): void => {
    builder.get(register);
    push();
    builder.op(opcode);
    builder.set(register);
  };
  builder.op(op.f64_convert_i64_u);
  builder.f64(insn.cycles);
  builder.op(op.f64_mul);
  builder.get(clock);
  builder.op(op.f64_add);
  builder.set(clock);
  change(count, () => builder.get(elements), op.i64_sub);
  for (const [register, used] of [
    [source, USES_SOURCE],
    [destination, USES_DESTINATION],
  ] as const) {
    if (!(what & used)) continue;
    const bytes = (): void => {
      builder.get(elements);
      builder.i64(BigInt(what & 3));
      builder.op(op.i64_shl);
    };
    change(register, bytes, op.i64_add);
  }
  builder.close();
}

/** `repeat(…) -> elements done`, each followed by another one. @param firstLevel see engines/jit/translateEmitter. */
export function defineRepeat(module: ModuleWriter, { ramBase, ramPages, lines }: TranslationHardware, firstLevel: number): number {
  return module.define('repeat', REPEAT_PARAMETERS, [I32], (f, core, what, clock, horizon, cycles, count, source, destination, value) => {
    const shift = f.i32(f.and(what, 3));
    const compares = f.i32(f.and(what, COMPARES));
    const left = f.i32(f.op(op.select, f.op(op.i32_wrap_i64, count), 4096, f.op(op.i64_lt_u, count, 4096n)));
    const limit = (most: Operand): void => f.if(f.less(most, left), () => f.set(left, most));
    const [from, to] = [source, destination].map((pointer, index) => {
      const at = f.i32(0);
      f.if(f.and(what, index === 0 ? USES_SOURCE : USES_DESTINATION), () => {
        const low = f.i32(f.op(op.i32_wrap_i64, pointer));
        const elementsInPage = f.i32(f.op(op.i32_shr_u, f.subtract(4096, f.and(low, 0xfff)), shift));
        limit(elementsInPage);
        f.if(f.isZero(isCanonical(f, pointer)), () => f.return(0));
        const writes = index === 0 ? 0 : f.differ(f.and(what, WRITES), 0);
        const page = f.i32(f.call(firstLevel, core, pointer, writes));
        f.if(f.op(op.i32_le_u, ramPages, page), () => f.return(0));
        f.set(at, f.add(f.or(f.shiftLeft(page, 12), f.and(low, 0xfff)), ramBase));
        if (lines === null) return;
        // Elements that begin in this line, if the core has it; the first one of a line is the instruction's own otherwise.
        const lineLeft = f.add(f.subtract(LINE_BYTES - 1, f.and(low, LINE_BYTES - 1)), f.op(op.i32_shl, 1, shift));
        limit(f.i32(f.op(op.i32_shr_u, lineLeft, shift)));
        f.if(f.isZero(hasLine(f, lineOffset(lines, ramBase), core, at, writes)), () => f.return(0));
      });
      return at;
    }) as [Variable, Variable];
    // The last of them is the instruction's own.
    f.if(f.less(left, 2), () => f.return(0));
    f.set(left, f.subtract(left, 1));
    const turns = f.op(op.f64_ceil, f.op(op.f64_div, f.op(op.f64_sub, horizon, clock), cycles));
    limit(f.i32(saturate(f, f.op(op.f64_sub, turns, f.double(1)))));
    f.if(
      compares,
      () => compare(f, what, shift, left, from, to, value),
      () =>
        f.if(f.and(what, WRITES), () => {
          f.if(
            f.and(what, USES_SOURCE),
            () => move(f, shift, left, from, to),
            () => fill(f, shift, left, to, value),
          );
        }),
    );
    const done = f.f64(f.op(op.f64_convert_i32_u, left));
    f.increase(core, counterByte(COUNTER_INSTRUCTIONS), done);
    // Each element is fetched, and has one access or two.
    const both = f.equal(f.and(what, USES_SOURCE | USES_DESTINATION), USES_SOURCE | USES_DESTINATION);
    const lookups = f.op(op.f64_convert_i32_u, f.add(both, 2));
    f.increase(core, counterByte(COUNTER_TLB_LOOKUPS), f.op(op.f64_mul, done, lookups));
    f.push(left);
  });
}

/** As an unsigned 32-bit number; what lies beyond becomes the nearest. */
const saturate =
  (f: FunctionWriter, value: Operand): Operand =>
  () => {
    f.push(value);
    f.builder.bulk(op.saturate_i32_f64_u, 0);
  };

/** Ascending; a destination that begins within the source gets only what does not depend on what has been moved. */
function move(f: FunctionWriter, shift: Variable, left: Variable, from: Variable, to: Variable): void {
  const distance = f.i32(f.op(op.i32_shr_u, f.subtract(to, from), shift));
  f.if(f.less(distance, left), () => f.set(left, distance));
  f.copyMemory(to, from, f.op(op.i32_shl, left, shift));
}

/** Elements of one repeated byte are filled, others copied from those that are there already. */
function fill(f: FunctionWriter, shift: Variable, left: Variable, to: Variable, value: Variable): void {
  const bytes = f.i32(f.op(op.i32_shl, left, shift));
  const element = f.i32(f.op(op.i32_shl, 1, shift));
  const uniform = f.op(op.i64_mul, f.op(op.i64_and, value, 0xffn), 0x0101_0101_0101_0101n);
  const unused = f.op(op.i64_extend_i32_u, f.subtract(64, f.shiftLeft(element, 3)));
  f.if(
    f.op(op.i64_eqz, f.op(op.i64_shl, f.op(op.i64_xor, value, uniform), unused)),
    () => f.fillMemory(to, f.op(op.i32_wrap_i64, value), bytes),
    () => {
      f.if(left, () => bySize(f, shift, (log) => f.storeWith(STORES[log]!, to, 0, value)));
      const done = f.i32(element);
      const chunk = f.i32(0);
      f.if(f.less(done, bytes), () =>
        f.repeatWhile(
          () => {
            const rest = f.subtract(bytes, done);
            f.set(chunk, f.op(op.select, done, rest, f.less(done, rest)));
            f.copyMemory(f.add(to, done), to, chunk);
            f.set(done, f.add(done, chunk));
          },
          f.less(done, bytes),
        ),
      );
    },
  );
}

/** `left` becomes the number of elements after which the repetition goes on, counted from the first. */
function compare(f: FunctionWriter, what: Variable, shift: Variable, left: Variable, from: Variable, to: Variable, value: Variable): void {
  const done = f.i32(0);
  const wanted = f.i32(f.isZero(f.and(what, WHILE_DIFFERENT)));
  bySize(f, shift, (log) => {
    const sought = f.i64(log === 3 ? value : f.op(op.i64_and, value, (1n << BigInt(8 << log)) - 1n));
    const load = (base: Variable): Operand => f.loadWith(LOADS[log]!, f.add(base, f.shiftLeft(done, log)));
    f.block((ended) => {
      f.if(left, () =>
        f.repeatWhile(
          () => {
            f.if(from, () => f.set(sought, load(from)));
            f.if(f.differ(f.op(op.i64_eq, sought, load(to)), wanted), () => f.leave(ended));
            f.set(done, f.add(done, 1));
          },
          f.less(done, left),
        ),
      );
    });
  });
  f.set(left, done);
}

/** Code for each size of an element. */
function bySize(f: FunctionWriter, shift: Variable, emit: (log: number) => void): void {
  for (let log = 0; log < 4; log++) f.if(f.equal(shift, log), () => emit(log));
}
