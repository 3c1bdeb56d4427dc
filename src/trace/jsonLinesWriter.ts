import { EVENTS } from './events.ts';
import { jsonField } from './fieldFormat.ts';
import { LineBuffer } from './lineBuffer.ts';
import type { ByteSink, TraceWriter } from './traceWriter.ts';

/** Writes one event to a line as a JSON object: `cycles`, `core`, `event`, then the event's fields by name. */
export class JsonLinesWriter implements TraceWriter {
  readonly mask: number;
  private readonly lines: LineBuffer;

  constructor(sink: ByteSink, mask: number) {
    this.mask = mask;
    this.lines = new LineBuffer(sink);
  }

  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void {
    const { name, fields } = EVENTS[event]!;
    let line = `{"cycles":${cycles},"core":${core},"event":"${name}"`;
    for (let index = 0; index < fields.length; index++) {
      const [label, format] = fields[index]!;
      const value = index === 0 ? a : index === 1 ? b : index === 2 ? c : d;
      line += `,"${label}":${jsonField(format, value)}`;
    }
    this.lines.add(`${line}}\n`);
  }

  close(): void {
    this.lines.flush();
  }
}
