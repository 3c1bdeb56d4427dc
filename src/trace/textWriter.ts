import { EVENTS } from './events.ts';
import { formatField } from './fieldFormat.ts';
import { LineBuffer } from './lineBuffer.ts';
import type { ByteSink, TraceWriter } from './traceWriter.ts';

const CYCLES_WIDTH = 14;
const NAME_WIDTH = Math.max(...EVENTS.map((event) => event.name.length));

/**
 * Writes one event to a line, for people and for diff: cycles, core, name, fields. The columns are stable: nothing but the event itself
 * decides what a line looks like.
 */
export class TextWriter implements TraceWriter {
  readonly mask: number;
  private readonly lines: LineBuffer;

  constructor(sink: ByteSink, mask: number) {
    this.mask = mask;
    this.lines = new LineBuffer(sink);
  }

  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void {
    this.lines.add(formatEvent(event, core, cycles, a, b, c, d));
  }

  close(): void {
    this.lines.flush();
  }
}

/** One line, newline included. */
export function formatEvent(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): string {
  const { name, fields } = EVENTS[event]!;
  let line = `${String(cycles).padStart(CYCLES_WIDTH)} ${`c${core}`.padEnd(3)} ${name.padEnd(NAME_WIDTH)}`;
  for (let index = 0; index < fields.length; index++) {
    const [label, format] = fields[index]!;
    const value = index === 0 ? a : index === 1 ? b : index === 2 ? c : d;
    line += ` ${label}=${formatField(format, value)}`;
  }
  return `${line}\n`;
}
