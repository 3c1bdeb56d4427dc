import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSink } from '../trace/fileSink.ts';
import type { RunStats } from '../trace/runStats.ts';
import { formatCsv } from './statsCsv.ts';
import { UsageError } from './usageError.ts';

/** Name of a file that is not finished. */
const partial = (name: string): string => `.${name}.partial`;

/** `--out DIR`: every file is written under another name and renamed when it is whole, so what is there under its own name is never half. */
export class OutputDirectory {
  private readonly path: string;
  /** This made the directory, so it takes it away again when nothing comes of it. */
  private readonly created: boolean;
  private serial: FileSink | undefined;

  /** The directory exists. Raises: UsageError when it cannot. */
  constructor(path: string) {
    this.path = path;
    try {
      this.created = mkdirSync(path, { recursive: true }) !== undefined;
      this.serial = new FileSink(join(path, partial('serial.log')));
    } catch (error) {
      throw new UsageError(`--out: ${(error as Error).message}`);
    }
  }

  /** Takes bytes of `serial.log`. */
  write(bytes: Uint8Array): void {
    this.serial?.write(bytes);
  }

  /** All files are there. */
  finish(config: Readonly<Record<string, unknown>>, stats: RunStats): void {
    this.serial?.close();
    this.serial = undefined;
    renameSync(join(this.path, partial('serial.log')), join(this.path, 'serial.log'));
    this.writeWhole('config.json', `${JSON.stringify(config, undefined, 2)}\n`);
    this.writeWhole('stats.json', `${JSON.stringify(stats, undefined, 2)}\n`);
    this.writeWhole('stats.csv', formatCsv(stats));
  }

  /** Without `finish`, nothing unfinished stays behind; after it, nothing happens. */
  discardUnfinished(): void {
    if (this.serial === undefined) return;
    this.serial.close();
    this.serial = undefined;
    rmSync(join(this.path, partial('serial.log')));
    if (this.created && readdirSync(this.path).length === 0) rmdirSync(this.path);
  }

  private writeWhole(name: string, text: string): void {
    writeFileSync(join(this.path, partial(name)), text);
    renameSync(join(this.path, partial(name)), join(this.path, name));
  }
}
