/** Lays the pieces of a random program out, and says where each one goes on after a fault. */
import type { Program } from './engineCase.ts';
import { NO_PIECE, PROGRAM_SIZE } from './rigLayout.ts';

const INT3 = 0xcc;
const RESTARTS = 16;

export interface LaidOutProgram {
  /** PROGRAM_SIZE bytes; what the pieces leave over is INT3. */
  readonly bytes: Uint8Array;
  readonly entry: number;
  /** By offset: where the next piece starts, or NO_PIECE. */
  readonly resume: Uint16Array;
  readonly restarts: Uint16Array;
}

/** The program at linear address `base`. Pieces that do not fit are left out. */
export function layOutProgram({ pieces, offset }: Program, base: number): LaidOutProgram {
  const bytes = new Uint8Array(PROGRAM_SIZE).fill(INT3);
  const starts: number[] = [];
  let end = offset;
  for (const { code } of pieces) {
    const size = code.length / 2;
    if (end + size >= PROGRAM_SIZE) break;
    starts.push(end);
    bytes.set(Buffer.from(code, 'hex'), end);
    end += size;
  }
  if (starts.length === 0) starts.push(offset);
  const view = new DataView(bytes.buffer);
  for (const [index, start] of starts.entries()) {
    const reference = pieces[index]?.reference;
    if (reference === undefined) continue;
    const at = start + reference.at;
    const target = starts[reference.target % starts.length]! + reference.plus;
    if (reference.kind === 'abs64') view.setBigUint64(at, BigInt(base + target), true);
    else if (reference.kind === 'rel32') view.setInt32(at, target - at - 4, true);
    else {
      const distance = target - at - 1;
      // Out of reach: on to what follows.
      view.setInt8(at, distance >= -128 && distance <= 127 ? distance : 0);
    }
  }
  const resume = new Uint16Array(PROGRAM_SIZE).fill(NO_PIECE);
  starts.forEach((start, index) => {
    resume.fill(start, index === 0 ? 0 : starts[index - 1], start);
  });
  const restarts = Uint16Array.from({ length: RESTARTS }, (_, i) => (i % 2 === 0 ? starts[0]! : starts[(i * 7) % starts.length]!));
  return { bytes, entry: starts[0]!, resume, restarts };
}
