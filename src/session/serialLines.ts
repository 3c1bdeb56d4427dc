const NEWLINE = 10;

/**
 * Merges the serial output of several VMs into one stream without tearing lines apart: a VM's bytes are kept until its line is complete and then
 * leave with the name of the VM in front.
 */
export class SerialLines {
  private readonly lines: number[][];
  private readonly sink: (byte: number) => void;

  constructor(vms: number, sink: (byte: number) => void) {
    this.lines = Array.from({ length: vms }, () => []);
    this.sink = sink;
  }

  byte(vm: number, byte: number): void {
    const line = this.lines[vm]!;
    line.push(byte);
    if (byte === NEWLINE) this.send(vm);
  }

  /** Lines without an end leave too. */
  flush(): void {
    for (let vm = 0; vm < this.lines.length; vm++) {
      if (this.lines[vm]!.length === 0) continue;
      this.lines[vm]!.push(NEWLINE);
      this.send(vm);
    }
  }

  private send(vm: number): void {
    for (const byte of Buffer.from(`[vm${vm}] `)) this.sink(byte);
    for (const byte of this.lines[vm]!) this.sink(byte);
    this.lines[vm] = [];
  }
}
