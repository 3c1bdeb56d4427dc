import { CR0_EM, CR0_TS, CR4_OSFXSR } from '../../arch/controlRegisters.ts';
import { VECTOR_NM, VECTOR_UD } from '../../arch/vectors.ts';
import { U64_CR0, U64_CR4 } from '../state.ts';

/**
 * What an SSE instruction raises in this state: #UD, #NM, or -1 when it may be executed.
 * @param i32 of the core's state block.
 * SDM: Vol. 3, "System Programming for Instruction Set Extensions and Processor Extended States".
 */
export function sseFault(i32: Int32Array): number {
  const cr0 = i32[U64_CR0 * 2]!;
  if ((cr0 & CR0_EM) !== 0 || (i32[U64_CR4 * 2]! & CR4_OSFXSR) === 0) return VECTOR_UD;
  return (cr0 & CR0_TS) !== 0 ? VECTOR_NM : -1;
}
