/** Another machine that runs the bench guests. */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Measurement } from './measurement.ts';

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Runs a bench guest. @throws Error when it does not get to its checksum. */
  readonly run: (guest: string, cores: number, iterations: number) => Promise<Measurement>;
  /** Guests it can run; absent: all. */
  readonly runs?: (guest: string, cores: number) => boolean;
  /** Has kernels of its own, in 32-bit code: checksums agree in their low 32 bits only. */
  readonly narrow?: boolean;
}

/** Four virtual processors that wait in line for a ticket lock on two real ones may take minutes: then there is no result. */
const TIME_LIMIT_SECONDS = 20;
const END = /checksum: (\d+)\r?\n/;

/** The time from the line `start` to the line `checksum: …` of an emulator's serial line. The emulator does not run any more. */
export async function listen(child: ChildProcess, serial: Readable, iterations: number): Promise<Measurement> {
  let text = '';
  let started = 0;
  let ended = 0;
  let failure = '';
  serial.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
    if (started === 0 && text.includes('start')) started = performance.now();
    if (ended === 0 && text.includes('checksum')) ended = performance.now();
    // The power-off port is not everywhere.
    if (END.test(text)) child.kill('SIGKILL');
  });
  child.on('error', (error) => {
    failure = error.message;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT_SECONDS * 1000);
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(limit);
  const checksum = END.exec(text)?.[1];
  if (checksum === undefined) throw new Error(`no checksum in ${TIME_LIMIT_SECONDS} s: ${JSON.stringify(text)} ${failure}`);
  return { iterations, checksum, seconds: (ended - started) / 1000, instructions: undefined, cycles: undefined, statistics: {} };
}
