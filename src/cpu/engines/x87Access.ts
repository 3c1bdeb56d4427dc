import { CR0_EM, CR0_MP, CR0_TS } from '../../arch/controlRegisters.ts';
import { VECTOR_MF, VECTOR_NM, VECTOR_UD } from '../../arch/vectors.ts';
import { X87_ES } from '../../arch/x87.ts';
import { I32_X87_STATUS, U64_CR0 } from '../state.ts';

/**
 * What an x87 instruction raises in this state: #NM, #MF, or -1 when it may be executed.
 * Deviation: while CR0.NE = 0 exceptions of the x87 unit raise #MF as well; there is no FERR# line to an interrupt controller.
 * @param i32 of the core's state block. @param waits for pending exceptions.
 * SDM: Vol. 3, "Interrupt 7—Device Not Available Exception (#NM)"; "Interrupt 16—x87 FPU Floating-Point Error (#MF)".
 */
export function x87Fault(i32: Int32Array, waits: boolean): number {
  if ((i32[U64_CR0 * 2]! & (CR0_EM | CR0_TS)) !== 0) return VECTOR_NM;
  return waits ? pendingFault(i32) : -1;
}

/** What WAIT raises. */
export function waitFault(i32: Int32Array): number {
  const both = CR0_MP | CR0_TS;
  return (i32[U64_CR0 * 2]! & both) === both ? VECTOR_NM : pendingFault(i32);
}

/** What an MMX instruction raises. SDM: Vol. 3, "Emulation of the MMX Instruction Set"; "Effect of MMX Instructions on Pending x87 Floating-Point Exceptions". */
export const mmxFault = (i32: Int32Array): number => ((i32[U64_CR0 * 2]! & CR0_EM) !== 0 ? VECTOR_UD : x87Fault(i32, true));

const pendingFault = (i32: Int32Array): number => ((i32[I32_X87_STATUS]! & X87_ES) !== 0 ? VECTOR_MF : -1);
