import { expect, test } from 'vitest';
import { PORT_DEBUG_EXIT, PORT_DEBUGCON, PORT_POWER_OFF, PORT_SERIAL, POWER_OFF_VALUE } from '../../src/arch/platform.ts';
import { DebugConsole } from '../../src/devices/debugConsole.ts';
import { DebugExit } from '../../src/devices/debugExit.ts';
import { PortBus, type PortDevice } from '../../src/devices/portBus.ts';
import { PowerOff } from '../../src/devices/powerOff.ts';

function recorder() {
  const seen: (string | number)[][] = [];
  const device: PortDevice = {
    read(offset, size) {
      seen.push(['read', offset, size]);
      return 0x42;
    },
    write: (offset, value, size) => seen.push(['write', offset, value, size]),
  };
  return { device, seen };
}

test('a device is told offsets, for its own ports only', () => {
  const bus = new PortBus();
  const { device, seen } = recorder();
  bus.insert('serial', PORT_SERIAL, 8, device);
  expect(bus.read(PORT_SERIAL + 5, 1)).toBe(0x42);
  bus.write(PORT_SERIAL + 7, 0x11, 1);
  bus.write(PORT_SERIAL + 8, 0x22, 1);
  bus.write(PORT_SERIAL - 1, 0x33, 1);
  expect(seen).toEqual([
    ['read', 5, 1],
    ['write', 7, 0x11, 1],
  ]);
});

test('unclaimed ports read all ones, drop writes and are counted', () => {
  const bus = new PortBus();
  expect([1, 2, 4].map((size) => bus.read(0x80, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
  bus.write(0xffff, 1, 1);
  expect([bus.unclaimedReads, bus.unclaimedWrites]).toEqual([3, 1]);
});

test('a guest that does nothing but read absent ports is reported, once, after very many reads', () => {
  const bus = new PortBus();
  bus.insert('serial', PORT_SERIAL, 8, recorder().device);
  bus.patience = 100;
  const reported: number[] = [];
  bus.onHopeless = (port) => reported.push(port);
  const poll = (times: number): void => {
    for (let i = 0; i < times; i++) {
      bus.write(0x70, 10, 1);
      bus.read(0x71, 1);
    }
  };
  poll(99);
  bus.read(PORT_SERIAL + 5, 1);
  poll(99);
  expect(reported).toEqual([]);
  poll(2);
  expect(reported).toEqual([0x71]);
});

test('a range that overlaps another or leaves the port space is refused and claims nothing', () => {
  const bus = new PortBus();
  const { device } = recorder();
  bus.insert('first', 0x100, 0x10, device);
  expect(() => bus.insert('second', 0xf8, 9, device)).toThrow('second: port 0x100 belongs to first');
  expect(() => bus.insert('third', 0xffff, 2, device)).toThrow('out of range');
  expect(bus.read(0xf8, 1)).toBe(0xff);
});

test('more devices than fit are refused', () => {
  const bus = new PortBus();
  const { device } = recorder();
  for (let port = 0; port < 255; port++) bus.insert(`device ${port}`, port, 1, device);
  expect(() => bus.insert('one more', 0x1000, 1, device)).toThrow('more than 255');
});

test('the platform ports act as documented', () => {
  const bus = new PortBus();
  const log: string[] = [];
  bus.insert('debug console', PORT_DEBUGCON, 1, new DebugConsole((byte) => log.push(String.fromCharCode(byte))));
  bus.insert('debug exit', PORT_DEBUG_EXIT, 1, new DebugExit((status) => log.push(`exit ${status}`)));
  bus.insert('power off', PORT_POWER_OFF, 2, new PowerOff(() => log.push('off')));
  bus.write(PORT_DEBUGCON, 0x41, 1);
  bus.write(PORT_DEBUG_EXIT, 0x10, 4);
  bus.write(PORT_DEBUG_EXIT, 0xffff_ffff, 4);
  bus.write(PORT_POWER_OFF, POWER_OFF_VALUE, 2);
  bus.write(PORT_POWER_OFF, 0x2001, 2);
  bus.write(PORT_POWER_OFF, 0x00, 1);
  expect(log).toEqual(['A', 'exit 33', 'exit 8589934591', 'off']);
  expect([PORT_DEBUGCON, PORT_DEBUG_EXIT, PORT_POWER_OFF].map((port) => bus.read(port, 1))).toEqual([0xe9, 0, 0]);
});
