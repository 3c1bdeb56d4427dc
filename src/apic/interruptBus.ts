/** An interprocessor message as the sender's APIC puts it on the bus. */
export interface InterruptMessage {
  /** APIC id of the sender. */
  source: number;
  /** Message destination address, 32 bits; BROADCAST for everybody, whatever width the sender's ICR has. */
  destination: number;
  /** `destination` is a logical one. */
  logical: boolean;
  /** DELIVERY_… */
  delivery: number;
  vector: number;
  /** SHORTHAND_…; anything but SHORTHAND_NONE overrules `destination`. */
  shorthand: number;
}

/** Physical or logical destination: every APIC. */
export const BROADCAST = 0xffff_ffff;

/**
 * What a local APIC knows of the world: where its messages go. The machine's interconnect is one, a VMM that carries the interrupts of virtual
 * processors is another.
 */
export interface InterruptBus {
  /** The message is on its way. It is reused by the sender: copy what must live longer than the call. */
  send(message: InterruptMessage): void;
  /** The sender ended a level-triggered interrupt: I/O APICs may raise it again. */
  broadcastEndOfInterrupt(vector: number): void;
}
