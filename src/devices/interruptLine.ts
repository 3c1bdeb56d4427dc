/** The wire from a device to whatever turns it into an interrupt. Setting it to the level it has changes nothing. */
export interface InterruptLine {
  set(asserted: boolean): void;
}

/** A line that is not connected. */
export const openLine: InterruptLine = { set() {} };
