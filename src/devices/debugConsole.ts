import type { PortDevice } from './portBus.ts';

/** What a read gives, by which software detects the console (as Bochs and QEMU have it). */
const DEBUG_CONSOLE_SIGNATURE = 0xe9;

/** One port: every byte written goes to `sink`. */
export class DebugConsole implements PortDevice {
  private readonly sink: (byte: number) => void;

  constructor(sink: (byte: number) => void) {
    this.sink = sink;
  }

  read(): number {
    return DEBUG_CONSOLE_SIGNATURE;
  }

  write(_offset: number, value: number): void {
    this.sink(value & 0xff);
  }
}
