/** Reporting a figure: printed with its name, and told to observers by a mark. */
import { MARK_FIGURE } from '../../arch/marks.ts';
import type { Assembler } from '../../asm/assembler.ts';
import type { Memory } from '../../asm/operand.ts';
import { edi, type Register, rsi } from '../../asm/register.ts';
import { print, printDecimal } from './serial.ts';

/** The figure of that number, in a callee-saved register or memory, is printed as `name: value` and marked. */
export function reportFigure(a: Assembler, figures: readonly string[], name: string, value: Register<64> | Memory<64>): void {
  const number = figures.indexOf(name);
  if (number < 0) throw new Error(`the guest does not declare the figure '${name}'`);
  a.mov(edi, number);
  a.mov(rsi, value);
  a.mark(MARK_FIGURE);
  print(a, `${name}: `);
  printDecimal(a, value);
  print(a, '\n');
}
