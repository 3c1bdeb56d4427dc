import type { ByteSink } from './traceWriter.ts';

const FLUSH_AT_CHARACTERS = 1 << 16;

/** Text on its way to a sink, gathered into large pieces. */
export class LineBuffer {
  private text = '';
  private readonly sink: ByteSink;
  private readonly encoder = new TextEncoder();

  constructor(sink: ByteSink) {
    this.sink = sink;
  }

  add(text: string): void {
    this.text += text;
    if (this.text.length >= FLUSH_AT_CHARACTERS) this.flush();
  }

  /** Everything added has been written. */
  flush(): void {
    if (this.text !== '') this.sink.write(this.encoder.encode(this.text));
    this.text = '';
  }
}
