/** Structured control flow and procedures: what keeps a kernel from being a listing. */

import { GPR_NAMES } from '../arch/registers.ts';
import { writtenRegisters } from './clobbers.ts';
import type { EncodedInstruction } from './encoder.ts';
import { CONDITIONS, type Condition, NEGATED } from './instructionSet.ts';
import { Program } from './program.ts';
import { type Register, rsp } from './register.ts';
import { type SourceLine, sourceLine } from './sourceLine.ts';

/**
 * The calling convention: arguments in RDI, RSI, RDX, RCX, R8, R9; result in RAX. A procedure may change those, R10, R11 and the flags;
 * it leaves RBX, RBP, R12–R15 as they were, which the assembler checks.
 */
const CALLEE_SAVED: ReadonlySet<number> = new Set([3, 5, 12, 13, 14, 15]);

export interface ProcedureOptions {
  /** Callee-saved registers that the body may change: pushed at the start, popped at every return. */
  readonly saves?: readonly Register<64>[];
  /** Bytes of local room at [rsp]; a multiple of 8. */
  readonly frame?: number;
}

interface OpenProcedure {
  readonly name: string;
  readonly mayChange: ReadonlySet<number>;
}

export class StructuredProgram extends Program {
  private procedure: OpenProcedure | undefined;
  /** Where `break_` leads, innermost last. */
  private readonly loops: string[] = [];

  /** Jumps to `label` when the condition holds. */
  jump_if(condition: Condition, label: string): void {
    this.branch(`j${CONDITIONS[condition]}`, label);
  }

  /** Runs `then` when the condition holds on the flags, else `otherwise`. */
  if_(condition: Condition, then: () => void, otherwise?: () => void): void {
    const no = this.newLabel('else');
    this.jump_if(NEGATED[CONDITIONS[condition]], no);
    then();
    if (otherwise === undefined) {
      this.placeLabel(no);
      return;
    }
    const end = this.newLabel('endif');
    this.branch('jmp', end);
    this.placeLabel(no);
    otherwise();
    this.placeLabel(end);
  }

  /** Runs `body` for ever: it ends by `break_`, `break_if` or a jump. */
  loop(body: () => void): void {
    const top = this.newLabel('loop');
    this.breakable(() => {
      this.placeLabel(top);
      body();
      this.branch('jmp', top);
    });
  }

  /** Runs `body` as long as the condition holds on the flags that `test` leaves. */
  while_(test: () => void, condition: Condition, body: () => void): void {
    const top = this.newLabel('while');
    this.breakable((end) => {
      this.placeLabel(top);
      test();
      this.jump_if(NEGATED[CONDITIONS[condition]], end);
      body();
      this.branch('jmp', top);
    });
  }

  /** Runs `body`, and again as long as the condition holds on the flags it leaves. */
  repeat_while(condition: Condition, body: () => void): void {
    const top = this.newLabel('repeat');
    this.breakable(() => {
      this.placeLabel(top);
      body();
      this.jump_if(condition, top);
    });
  }

  private breakable(write: (end: string) => void): void {
    const end = this.newLabel('end');
    this.loops.push(end);
    write(end);
    this.loops.pop();
    this.placeLabel(end);
  }

  /** Leaves the innermost loop. */
  break_(): void {
    this.branch('jmp', this.innermostLoop());
  }

  /** Leaves the innermost loop when the condition holds. */
  break_if(condition: Condition): void {
    this.jump_if(condition, this.innermostLoop());
  }

  private innermostLoop(): string {
    const end = this.loops.at(-1);
    if (end === undefined) throw new Error(`break outside of a loop, at ${sourceLine()}`);
    return end;
  }

  /** A procedure under the calling convention; falling off the end returns. `.name` labels inside are its own. */
  proc(name: string, options: ProcedureOptions, body: () => void): void {
    const { saves = [], frame = 0 } = options;
    if (this.procedure !== undefined) throw new Error(`procedure ${name} inside ${this.procedure.name}, at ${sourceLine()}`);
    this.align(16);
    this.label(name);
    for (const register of saves) this.emit('push', [register]);
    if (frame > 0) this.emit('sub', [rsp, frame]);
    this.procedure = { name, mayChange: new Set(saves.map((register) => register.number)) };
    body();
    this.procedure = undefined;
    this.scope = name;
    this.label('.return');
    if (frame > 0) this.emit('add', [rsp, frame]);
    for (const register of saves.toReversed()) this.emit('pop', [register]);
    this.emit('ret', []);
  }

  /** Returns from the procedure. */
  return_(): void {
    this.branch('jmp', '.return');
  }

  /** Returns from the procedure when the condition holds. */
  return_if(condition: Condition): void {
    this.jump_if(condition, '.return');
  }

  override include(part: (a: this) => void): void {
    if (this.procedure !== undefined) throw new Error(`include inside procedure ${this.procedure.name}, at ${sourceLine()}`);
    super.include(part);
  }

  protected override instruction(encoded: EncodedInstruction, source: SourceLine): void {
    if (this.procedure !== undefined) {
      for (const number of writtenRegisters(this.currentBits, encoded.bytes)) {
        if (CALLEE_SAVED.has(number) && !this.procedure.mayChange.has(number))
          throw new Error(
            `${this.procedure.name} changes callee-saved register ${GPR_NAMES[number]} without saving it, at ${sourceLine()}`,
          );
      }
    }
    super.instruction(encoded, source);
  }
}
