import { extname } from 'node:path';
import { FileSink } from './fileSink.ts';
import { JsonLinesWriter } from './jsonLinesWriter.ts';
import { PerfettoWriter } from './perfettoWriter.ts';
import { TextWriter } from './textWriter.ts';
import type { ByteSink, TraceWriter } from './traceWriter.ts';

/** What a trace can be written as, by the extension of its file. */
export const TRACE_EXTENSIONS = ['.txt', '.jsonl', '.pftrace'] as const;
export type TraceExtension = (typeof TRACE_EXTENSIONS)[number];

/** The format a file's extension asks for, or undefined. */
export function traceExtension(path: string): TraceExtension | undefined {
  const extension = extname(path);
  return TRACE_EXTENSIONS.find((known) => known === extension);
}

/** A writer of this format. `frequencyHz` of the cycle counter gives Perfetto its nanoseconds. */
export function createTraceWriter(extension: TraceExtension, sink: ByteSink, mask: number, frequencyHz: number): TraceWriter {
  switch (extension) {
    case '.txt':
      return new TextWriter(sink, mask);
    case '.jsonl':
      return new JsonLinesWriter(sink, mask);
    case '.pftrace':
      return new PerfettoWriter(sink, mask, frequencyHz);
  }
}

/**
 * A writer into the file at `path`, in the format of its extension, of the events in `mask`. Closing it closes the file.
 * Raises: RangeError for any other extension.
 */
export function openTrace(path: string, mask: number, frequencyHz: number): TraceWriter {
  const extension = traceExtension(path);
  if (extension === undefined) throw new RangeError(`trace file '${path}': the name must end in ${TRACE_EXTENSIONS.join(', ')}`);
  const file = new FileSink(path);
  const writer = createTraceWriter(extension, file, mask, frequencyHz);
  return {
    mask: writer.mask,
    event: (event, core, cycles, a, b, c, d) => writer.event(event, core, cycles, a, b, c, d),
    close() {
      writer.close();
      file.close();
    },
  };
}
