/** The I/O port space as IN and OUT see it; the machine has a bus of devices behind it. */
export interface Ports {
  /** What IN gives: `size` bytes (1, 2 or 4), unsigned. */
  read(port: number, size: number): number;
  /** OUT is done. */
  write(port: number, value: number, size: number): void;
}
