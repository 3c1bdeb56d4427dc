import { closeSync, openSync, writeSync } from 'node:fs';
import type { ByteSink } from './traceWriter.ts';

/** A file that takes bytes in order; every write has reached the operating system when it returns. */
export class FileSink implements ByteSink {
  private readonly descriptor: number;

  /** The file exists and is empty. Raises: the operating system's error when it cannot be. */
  constructor(path: string) {
    this.descriptor = openSync(path, 'w');
  }

  write(bytes: Uint8Array): void {
    let written = 0;
    while (written < bytes.length) written += writeSync(this.descriptor, bytes, written);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
