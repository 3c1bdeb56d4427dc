import type { InterruptLine } from './interruptLine.ts';
import type { PortDevice } from './portBus.ts';

/** Registers by offset; the first two are the divisor latch while LCR.DLAB is set. */
export const UART_DATA = 0;
export const UART_IER = 1;
/** Read: interrupt identification. Write: FIFO control. */
export const UART_IIR_FCR = 2;
export const UART_LCR = 3;
export const UART_MCR = 4;
export const UART_LSR = 5;
export const UART_MSR = 6;
export const UART_SCR = 7;
export const UART_PORTS = 8;

export const LCR_DLAB = 0x80;
export const LSR_DATA_READY = 0x01;
export const LSR_TRANSMITTER_IDLE = 0x60;
export const IER_RECEIVED = 0x01;
export const IER_TRANSMITTER_EMPTY = 0x02;
export const IIR_NONE = 0x01;
export const IIR_TRANSMITTER_EMPTY = 0x02;
export const IIR_RECEIVED = 0x04;
export const IIR_FIFOS = 0xc0;
export const FCR_ENABLE = 0x01;
export const FCR_CLEAR_RECEIVER = 0x02;
export const MCR_LOOPBACK = 0x10;
/** CTS, DSR and DCD: a terminal is connected. */
const MSR_CONNECTED = 0xb0;

const FIFO_BYTES = 16;

/** Bytes of state, as indices into `Uart16550.state`. */
const IER = 0;
const LCR = 1;
const MCR = 2;
const SCR = 3;
const DLL = 4;
const DLM = 5;
const FIFOS_ON = 6;
/** A transmitter-empty interrupt waits to be seen in IIR. */
const EMPTY_PENDING = 7;
const RECEIVE_COUNT = 8;
const RECEIVE_BUFFER = 9;

export interface UartConnections {
  /** Takes every byte that is sent. */
  readonly sink: (byte: number) => void;
  /** The next byte received, or -1 while there is none. */
  readonly source: () => number;
  readonly line: InterruptLine;
}

/**
 * A 16550 UART: divisor latch, FIFOs, loopback, and the received-data and transmitter-empty interrupts.
 *
 * Deviation: a byte is sent the moment it is written and received the moment it is wanted, whatever the divisor says: the transmitter is
 * always idle and nothing is overrun.
 * Deviation: modem-status and line-status interrupts never occur; the modem inputs never change outside loopback.
 * Deviation: the receiver interrupts at the first byte, whatever the FIFO's trigger level.
 */
export class Uart16550 implements PortDevice {
  /** All the state there is. */
  readonly state = new Uint8Array(RECEIVE_BUFFER + FIFO_BYTES);
  private readonly connections: UartConnections;

  constructor(connections: UartConnections) {
    this.connections = connections;
  }

  read(offset: number): number {
    const { state } = this;
    if ((state[LCR]! & LCR_DLAB) !== 0 && offset <= UART_IER) return state[offset === UART_DATA ? DLL : DLM]!;
    switch (offset) {
      case UART_DATA:
        return this.receive();
      case UART_IER:
        return state[IER]!;
      case UART_IIR_FCR:
        return this.identifyInterrupt();
      case UART_LCR:
        return state[LCR]!;
      case UART_MCR:
        return state[MCR]!;
      case UART_LSR:
        this.poll();
        return LSR_TRANSMITTER_IDLE | (state[RECEIVE_COUNT]! > 0 ? LSR_DATA_READY : 0);
      case UART_MSR:
        return this.modemStatus;
      case UART_SCR:
        return state[SCR]!;
      default:
        throw new RangeError(`16550 register ${offset}`);
    }
  }

  write(offset: number, value: number): void {
    const { state } = this;
    const byte = value & 0xff;
    if ((state[LCR]! & LCR_DLAB) !== 0 && offset <= UART_IER) {
      state[offset === UART_DATA ? DLL : DLM] = byte;
      return;
    }
    switch (offset) {
      case UART_DATA:
        this.transmit(byte);
        break;
      case UART_IER:
        // Enabling the transmitter-empty interrupt while the transmitter is empty interrupts at once.
        if ((byte & ~state[IER]! & IER_TRANSMITTER_EMPTY) !== 0) state[EMPTY_PENDING] = 1;
        state[IER] = byte & 0x0f;
        break;
      case UART_IIR_FCR:
        this.controlFifos(byte);
        break;
      case UART_LCR:
        state[LCR] = byte;
        break;
      case UART_MCR:
        state[MCR] = byte & 0x1f;
        break;
      case UART_SCR:
        state[SCR] = byte;
        break;
      default:
        // LSR and MSR are read-only.
        break;
    }
    this.updateLine();
  }

  /** What the source has is in the receive buffer, as far as it has room, and the line says so. The machine calls this when there may be input. */
  poll(): void {
    const { state } = this;
    const room = state[FIFOS_ON] === 1 ? FIFO_BYTES : 1;
    while ((state[MCR]! & MCR_LOOPBACK) === 0 && state[RECEIVE_COUNT]! < room) {
      const byte = this.connections.source();
      if (byte < 0) break;
      this.push(byte);
    }
    this.updateLine();
  }

  private receive(): number {
    const { state } = this;
    this.poll();
    if (state[RECEIVE_COUNT] === 0) return 0;
    const byte = state[RECEIVE_BUFFER]!;
    state.copyWithin(RECEIVE_BUFFER, RECEIVE_BUFFER + 1);
    state[RECEIVE_COUNT]!--;
    this.updateLine();
    return byte;
  }

  private transmit(byte: number): void {
    if ((this.state[MCR]! & MCR_LOOPBACK) === 0) this.connections.sink(byte);
    else if (this.state[RECEIVE_COUNT]! < FIFO_BYTES) this.push(byte);
    this.state[EMPTY_PENDING] = 1;
  }

  private push(byte: number): void {
    this.state[RECEIVE_BUFFER + this.state[RECEIVE_COUNT]!++] = byte;
  }

  private controlFifos(byte: number): void {
    const { state } = this;
    const on = byte & FCR_ENABLE;
    // A change of mode empties the FIFOs, too.
    if (on !== state[FIFOS_ON] || (byte & FCR_CLEAR_RECEIVER) !== 0) state[RECEIVE_COUNT] = 0;
    state[FIFOS_ON] = on;
  }

  private get modemStatus(): number {
    const mcr = this.state[MCR]!;
    if ((mcr & MCR_LOOPBACK) === 0) return MSR_CONNECTED;
    // Looped back: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD.
    return ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
  }

  /** IIR: the pending interrupt of the highest priority. Reading it takes back the transmitter-empty one if that is what it shows. */
  private identifyInterrupt(): number {
    this.poll();
    const cause = this.cause;
    if (cause === IIR_TRANSMITTER_EMPTY) {
      this.state[EMPTY_PENDING] = 0;
      this.updateLine();
    }
    return cause | (this.state[FIFOS_ON] === 1 ? IIR_FIFOS : 0);
  }

  private get cause(): number {
    const { state } = this;
    if ((state[IER]! & IER_RECEIVED) !== 0 && state[RECEIVE_COUNT]! > 0) return IIR_RECEIVED;
    if ((state[IER]! & IER_TRANSMITTER_EMPTY) !== 0 && state[EMPTY_PENDING] === 1) return IIR_TRANSMITTER_EMPTY;
    return IIR_NONE;
  }

  private updateLine(): void {
    this.connections.line.set(this.cause !== IIR_NONE);
  }
}
