/** RIP in the state block as a signed number: linear addresses are exact as such, and no bigint is made. */
import { signedField, U64_RIP } from '../../state.ts';

const LOW = U64_RIP * 2;
const HIGH = LOW + 1;

/** RIP as a signed number. Exact for canonical addresses. */
export const readRip = (i32: Int32Array): number => signedField(i32, U64_RIP);

/** RIP is `rip` modulo 2^64. */
export function writeRip(i32: Int32Array, rip: number): void {
  i32[LOW] = rip | 0;
  i32[HIGH] = Math.floor(rip / 0x1_0000_0000) | 0;
}
