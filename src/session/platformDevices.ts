import { PORT_DEBUG_EXIT, PORT_DEBUGCON, PORT_POWER_OFF, PORT_SERIAL } from '../arch/platform.ts';
import type { StopReason } from '../cpu/stop.ts';
import { DebugConsole } from '../devices/debugConsole.ts';
import { DebugExit } from '../devices/debugExit.ts';
import { openLine } from '../devices/interruptLine.ts';
import type { PortBus } from '../devices/portBus.ts';
import { PowerOff } from '../devices/powerOff.ts';
import { UART_PORTS, Uart16550 } from '../devices/uart16550.ts';

/** The devices every machine and every VM has (arch/platform): serial line, debug console, debug exit, power-off. */
export function attachPlatformDevices(ports: PortBus, sink: (byte: number) => void, end: (reason: StopReason) => void): void {
  ports.onHopeless = (port) => end({ kind: 'no-device', port });
  ports.insert('serial', PORT_SERIAL, UART_PORTS, new Uart16550({ sink, source: () => -1, line: openLine }));
  ports.insert('debug console', PORT_DEBUGCON, 1, new DebugConsole(sink));
  ports.insert('debug exit', PORT_DEBUG_EXIT, 4, new DebugExit((value) => end({ kind: 'debug-exit', value })));
  ports.insert('power-off', PORT_POWER_OFF, 2, new PowerOff(() => end({ kind: 'power-off' })));
}
