import type { ByteSink } from '../../src/trace/traceWriter.ts';

/** A sink that keeps what it takes. */
export class MemorySink implements ByteSink {
  private readonly pieces: Buffer[] = [];

  write(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }
}
