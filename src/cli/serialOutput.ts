import type { Output } from './terminal.ts';

const BUFFER_BYTES = 4096;

/** Gathers the guest's bytes and passes them on by lines, to every output there is. */
export class SerialOutput {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private length = 0;
  private readonly outputs: readonly Pick<Output, 'write'>[];

  constructor(outputs: readonly Pick<Output, 'write'>[]) {
    this.outputs = outputs;
  }

  byte(byte: number): void {
    this.buffer[this.length++] = byte;
    if (byte === 0x0a || this.length === BUFFER_BYTES) this.flush();
  }

  /** Every byte has been passed on. */
  flush(): void {
    if (this.length === 0) return;
    // A stream may hold on to what it is given.
    const bytes = this.buffer.slice(0, this.length);
    this.length = 0;
    for (const output of this.outputs) output.write(bytes);
  }
}
