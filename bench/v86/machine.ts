/** A kernel in 32-bit code, run under v86 in this process. */
import { fileURLToPath } from 'node:url';
import { V86 } from 'v86';
import type { Measurement } from '../measurement.ts';
import { narrowImage } from './frame.ts';
import { NARROW_KERNELS } from './kernels.ts';

const MEMORY = 64 * 2 ** 20;
/** v86 counts instructions in 32 bits: this often, in milliseconds, they are read. A repeated string instruction counts once. */
const COUNT_INTERVAL = 200;

/** From `start` to the checksum. Does not end when the kernel does not. */
export function runNarrow(guest: string, iterations: number): Promise<Measurement> {
  const image = narrowImage(NARROW_KERNELS[guest]!, iterations);
  const machine = new V86({
    wasm_path: fileURLToPath(new URL('v86.wasm', import.meta.resolve('v86'))),
    memory_size: MEMORY,
    vga_memory_size: 2 * 2 ** 20,
    multiboot: { buffer: image.buffer as ArrayBuffer },
    disable_speaker: true,
    autostart: true,
  });
  let text = '';
  let started = 0;
  let lastCount = 0;
  let instructions = 0;
  const countInstructions = (): void => {
    const now = machine.get_instruction_counter() >>> 0;
    instructions += (now - lastCount) >>> 0;
    lastCount = now;
  };
  const timer = setInterval(countInstructions, COUNT_INTERVAL);
  return new Promise((resolve) => {
    machine.add_listener('serial0-output-byte', (byte: number) => {
      text += String.fromCharCode(byte);
      if (text === 'start\n') {
        countInstructions();
        instructions = 0;
        started = performance.now();
      }
      const checksum = /checksum: (\d+)\n/.exec(text)?.[1];
      if (checksum === undefined) return;
      const seconds = (performance.now() - started) / 1000;
      countInstructions();
      clearInterval(timer);
      void machine.stop();
      resolve({ iterations, checksum, seconds, instructions, cycles: undefined, statistics: {} });
    });
  });
}
