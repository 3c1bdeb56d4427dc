import { describe, expect, test } from 'vitest';
import * as uart from '../../src/devices/uart16550.ts';

function bench(input: string | readonly number[] = []) {
  const sent: number[] = [];
  const waiting = typeof input === 'string' ? [...Buffer.from(input)] : [...input];
  const levels: boolean[] = [];
  const device = new uart.Uart16550({
    sink: (byte) => sent.push(byte),
    source: () => waiting.shift() ?? -1,
    line: {
      set(level) {
        if (level !== (levels.at(-1) ?? false)) levels.push(level);
      },
    },
  });
  return { device, sent, waiting, levels };
}

test('a byte written to the data register is sent, and the transmitter is idle again', () => {
  const { device, sent } = bench();
  for (const byte of Buffer.from('Hi')) device.write(uart.UART_DATA, byte);
  expect([Buffer.from(sent).toString(), device.read(uart.UART_LSR)]).toEqual(['Hi', 0x60]);
});

test('with DLAB set the first two registers are the divisor latch', () => {
  const { device, sent } = bench();
  device.write(uart.UART_LCR, 0x83);
  device.write(0, 0x0c);
  device.write(1, 0x01);
  expect([device.read(0), device.read(1)]).toEqual([0x0c, 0x01]);
  device.write(uart.UART_LCR, 0x03);
  expect([device.read(1), device.read(uart.UART_LCR), sent]).toEqual([0, 3, []]);
});

test('the scratch register keeps its byte, and read-only registers ignore writes', () => {
  const { device } = bench();
  for (const offset of [uart.UART_SCR, uart.UART_LSR, uart.UART_MSR]) device.write(offset, 0xa5);
  expect([device.read(uart.UART_SCR), device.read(uart.UART_LSR), device.read(uart.UART_MSR)]).toEqual([0xa5, 0x60, 0xb0]);
});

describe('receiving', () => {
  test('data ready is set while there is input', () => {
    const { device } = bench('ab');
    const seen = [device.read(uart.UART_LSR), device.read(0), device.read(uart.UART_LSR), device.read(0), device.read(uart.UART_LSR)];
    expect(seen).toEqual([0x61, 0x61, 0x61, 0x62, 0x60]);
    expect(device.read(0)).toBe(0);
  });

  test('without FIFOs one byte is taken from the source at a time, with FIFOs sixteen', () => {
    const text = '0123456789abcdefXYZ';
    const single = bench(text);
    single.device.poll();
    const fifo = bench(text);
    fifo.device.write(uart.UART_IIR_FCR, uart.FCR_ENABLE);
    fifo.device.poll();
    expect([single.waiting.length, fifo.waiting.length]).toEqual([18, 3]);
    const read = Array.from(text, () => fifo.device.read(0));
    expect(Buffer.from(read).toString()).toBe(text);
  });

  test('clearing the receiver drops what it holds', () => {
    const { device } = bench('abc');
    device.write(uart.UART_IIR_FCR, uart.FCR_ENABLE);
    device.poll();
    device.write(uart.UART_IIR_FCR, uart.FCR_ENABLE | uart.FCR_CLEAR_RECEIVER);
    expect(device.read(uart.UART_LSR)).toBe(0x60);
  });
});

describe('interrupts', () => {
  test('received data interrupts until it is read', () => {
    const { device, levels } = bench([0x41]);
    device.write(uart.UART_IER, uart.IER_RECEIVED);
    expect(levels).toEqual([]);
    device.poll();
    expect([device.read(uart.UART_IIR_FCR), levels]).toEqual([uart.IIR_RECEIVED, [true]]);
    device.read(0);
    expect([device.read(uart.UART_IIR_FCR), levels]).toEqual([uart.IIR_NONE, [true, false]]);
  });

  test('the transmitter interrupts when enabled and after every byte, until IIR shows it', () => {
    const { device, levels } = bench();
    device.write(uart.UART_IER, uart.IER_TRANSMITTER_EMPTY);
    expect([device.read(uart.UART_IIR_FCR), device.read(uart.UART_IIR_FCR)]).toEqual([uart.IIR_TRANSMITTER_EMPTY, uart.IIR_NONE]);
    device.write(0, 0x41);
    expect([device.read(uart.UART_IIR_FCR), device.read(uart.UART_IIR_FCR)]).toEqual([uart.IIR_TRANSMITTER_EMPTY, uart.IIR_NONE]);
    expect(levels).toEqual([true, false, true, false]);
  });

  test('received data comes before an empty transmitter', () => {
    const { device } = bench([0x41]);
    device.write(uart.UART_IER, uart.IER_RECEIVED | uart.IER_TRANSMITTER_EMPTY);
    expect(device.read(uart.UART_IIR_FCR)).toBe(uart.IIR_RECEIVED);
    device.read(0);
    expect(device.read(uart.UART_IIR_FCR)).toBe(uart.IIR_TRANSMITTER_EMPTY);
  });

  test('IIR shows that FIFOs are on', () => {
    const { device } = bench();
    device.write(uart.UART_IIR_FCR, uart.FCR_ENABLE);
    expect(device.read(uart.UART_IIR_FCR)).toBe(0xc1);
  });
});

describe('loopback', () => {
  test('the modem outputs come back as modem inputs', () => {
    const { device } = bench();
    const status = [0, 1, 2, 4, 8, 0xa].map((outputs) => {
      device.write(uart.UART_MCR, uart.MCR_LOOPBACK | outputs);
      return device.read(uart.UART_MSR);
    });
    expect(status).toEqual([0x00, 0x20, 0x10, 0x40, 0x80, 0x90]);
  });

  test('what is sent is received and nothing leaves', () => {
    const { device, sent } = bench('input');
    device.write(uart.UART_MCR, uart.MCR_LOOPBACK);
    device.write(0, 0x5a);
    expect([device.read(0), sent]).toEqual([0x5a, []]);
  });
});
