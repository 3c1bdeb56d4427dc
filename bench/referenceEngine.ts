/**
 * Guest instructions per second of the reference engine, on flat memory: an upper bound for what a machine with a real TLB reaches.
 * Run: node bench/referenceEngine.ts
 */
import { FlatCore } from '../test/cpu/flatCore.ts';

const LOOPS = 400_000;
const PROGRAM = [
  [0x48, 0xc7, 0xc1, LOOPS & 255, (LOOPS >> 8) & 255, LOOPS >> 16, 0], // mov rcx, LOOPS
  [0x48, 0x8b, 0x06], // loop: mov rax, [rsi]
  [0x48, 0x01, 0xc8], // add rax, rcx
  [0x48, 0x89, 0x46, 0x08], // mov [rsi + 8], rax
  [0x48, 0x8d, 0x54, 0x88, 0x10], // lea rdx, [rax + rcx * 4 + 16]
  [0x31, 0xd3], // xor ebx, edx
  [0x48, 0x83, 0xfb, 0x05], // cmp rbx, 5
  [0x75, 0x02], // jne over
  [0x66, 0x90], // nop
  [0x48, 0xff, 0xc9], // over: dec rcx
  [0x75, 0xe2], // jnz loop
  [0xf4], // hlt
].flat();

const core = new FlatCore();
const rates: number[] = [];
for (let round = 0; round < 6; round++) {
  core.loadCode(0x1000, PROGRAM);
  core.state.u64[6] = 0x8000n;
  const before = core.state.counters[0]!;
  const start = performance.now();
  core.run();
  rates.push((core.state.counters[0]! - before) / (performance.now() - start) / 1000);
}
console.log(`reference engine: ${rates.map((rate) => rate.toFixed(2)).join(', ')} M instr/s by round`);
