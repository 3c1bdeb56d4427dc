import type { FieldFormat } from './events.ts';
import { formatField } from './fieldFormat.ts';
import { ProtobufEncoder } from './protobufEncoder.ts';
import type { ByteSink } from './traceWriter.ts';

/** Field numbers of the trace format. See perfetto.dev, "Writing TrackEvent Protos Synthetically". */
const TRACE_PACKET = 1;
const PACKET_TIMESTAMP = 8;
const PACKET_SEQUENCE_ID = 10;
const PACKET_TRACK_EVENT = 11;
const PACKET_INTERNED_DATA = 12;
const PACKET_SEQUENCE_FLAGS = 13;
const PACKET_TRACK_DESCRIPTOR = 60;
const SEQUENCE_CLEARED = 1;
const SEQUENCE_NEEDED = 2;
const DESCRIPTOR_UUID = 1;
const DESCRIPTOR_NAME = 2;
const DESCRIPTOR_PARENT = 5;
const DESCRIPTOR_CHILD_ORDERING = 11;
const DESCRIPTOR_RANK = 12;
const ORDERING_EXPLICIT = 3;
const EVENT_ANNOTATION = 4;
const EVENT_TYPE = 9;
const EVENT_NAME_IID = 10;
const EVENT_TRACK = 11;
const EVENT_FLOW = 47;
const EVENT_TERMINATING_FLOW = 48;
const INTERNED_EVENT_NAMES = 2;
const INTERNED_ANNOTATION_NAMES = 3;
const INTERNED_IID = 1;
const INTERNED_TEXT = 2;
const ANNOTATION_NAME_IID = 1;
const ANNOTATION_INTEGER = 4;
const ANNOTATION_TEXT = 6;
const TYPE_BEGIN = 1;
const TYPE_END = 2;
const TYPE_INSTANT = 3;

const SEQUENCE_ID = 1;
const FLUSH_AT_BYTES = 1 << 16;
/** Deeper than any real nesting, shallower than the viewer's limit: a guest that marks beginnings only must not slow the writer down. */
const MAX_DEPTH = 128;

/** How an event takes part in a flow. */
export const FLOW_NONE = 0;
export const FLOW_STARTS = 1;
export const FLOW_ENDS = 2;

interface Track {
  readonly uuid: number;
  /** Names of the open slices, outermost first. */
  readonly open: string[];
  /** Time of the latest packet, ns: a track's events never go back in time. */
  latest: number;
  children: number;
}

/** A field of an event, as the annotation of its slice or instant. */
export type Annotation = readonly [name: string, format: FieldFormat, value: number];

/**
 * Writes named, nested tracks with slices and instants on them as Perfetto TrackEvent packets. It keeps the promises the viewer relies on: a slice
 * ends before the one around it, no slice is left open, a track's times do not fall.
 */
export class PerfettoTracks {
  private readonly out = new ProtobufEncoder();
  private readonly sink: ByteSink;
  private readonly tracks: Track[] = [];
  private readonly eventNames = new Map<string, number>();
  private readonly annotationNames = new Map<string, number>();
  private first = true;
  private latest = 0;

  constructor(sink: ByteSink) {
    this.sink = sink;
  }

  /** A new track, below those that `parent` already has; its number. */
  addTrack(name: string, parent: number | undefined): number {
    const uuid = this.tracks.length + 1;
    const rank = parent === undefined ? uuid : this.tracks[parent]!.children++;
    this.beginPacket();
    this.out.begin(PACKET_TRACK_DESCRIPTOR);
    this.out.integer(DESCRIPTOR_UUID, uuid);
    this.out.text(DESCRIPTOR_NAME, name);
    if (parent !== undefined) this.out.integer(DESCRIPTOR_PARENT, this.tracks[parent]!.uuid);
    this.out.integer(DESCRIPTOR_CHILD_ORDERING, ORDERING_EXPLICIT);
    this.out.integer(DESCRIPTOR_RANK, rank);
    this.out.end();
    this.endPacket();
    return this.tracks.push({ uuid, open: [], latest: 0, children: 0 }) - 1;
  }

  /** A slice starts, inside those that are open on the track. More than 128 deep, an instant stands for it. */
  begin(track: number, time: number, name: string, annotations: readonly Annotation[]): void {
    const { open } = this.tracks[track]!;
    if (open.length === MAX_DEPTH) {
      this.instant(track, time, name, annotations);
      return;
    }
    open.push(name);
    this.packet(track, time, TYPE_BEGIN, name, annotations, FLOW_NONE, 0);
  }

  /** The innermost open slice of this name has ended, and with it those inside it. Without such a slice nothing happens. */
  end(track: number, time: number, name: string): void {
    const { open } = this.tracks[track]!;
    const index = open.lastIndexOf(name);
    if (index >= 0) this.endDownTo(track, time, index);
  }

  /** Every open slice of the track has ended. */
  endAll(track: number, time: number): void {
    this.endDownTo(track, time, 0);
  }

  instant(track: number, time: number, name: string, annotations: readonly Annotation[], flowRole = FLOW_NONE, flow = 0): void {
    this.packet(track, time, TYPE_INSTANT, name, annotations, flowRole, flow);
  }

  /** Open slices end at the latest time seen, and everything has been written. */
  close(): void {
    for (let track = 0; track < this.tracks.length; track++) this.endAll(track, this.latest);
    this.flush();
  }

  private endDownTo(track: number, time: number, index: number): void {
    const { open } = this.tracks[track]!;
    while (open.length > index) {
      open.pop();
      this.packet(track, time, TYPE_END, undefined, [], FLOW_NONE, 0);
    }
  }

  private packet(
    number: number,
    time: number,
    type: number,
    name: string | undefined,
    annotations: readonly Annotation[],
    flowRole: number,
    flow: number,
  ): void {
    const track = this.tracks[number]!;
    track.latest = Math.max(track.latest, time);
    this.latest = Math.max(this.latest, track.latest);
    const { out } = this;
    this.beginPacket();
    out.integer(PACKET_TIMESTAMP, track.latest);
    this.intern(name, annotations);
    out.begin(PACKET_TRACK_EVENT);
    for (const [label, format, value] of annotations) {
      out.begin(EVENT_ANNOTATION);
      out.integer(ANNOTATION_NAME_IID, this.annotationNames.get(label)!);
      if (format === 'dec') out.integer(ANNOTATION_INTEGER, value);
      else out.text(ANNOTATION_TEXT, formatField(format, value));
      out.end();
    }
    out.integer(EVENT_TYPE, type);
    if (name !== undefined) out.integer(EVENT_NAME_IID, this.eventNames.get(name)!);
    out.integer(EVENT_TRACK, track.uuid);
    if (flowRole !== FLOW_NONE) out.fixed64(flowRole === FLOW_STARTS ? EVENT_FLOW : EVENT_TERMINATING_FLOW, flow);
    out.end();
    this.endPacket();
  }

  /** Names are written once and referred to by number; this packet carries those that are new. */
  private intern(name: string | undefined, annotations: readonly Annotation[]): void {
    const newName = name !== undefined && !this.eventNames.has(name);
    if (!newName && annotations.every(([label]) => this.annotationNames.has(label))) return;
    this.out.begin(PACKET_INTERNED_DATA);
    if (newName) this.internText(INTERNED_EVENT_NAMES, this.eventNames, name);
    for (const [label] of annotations) {
      if (!this.annotationNames.has(label)) this.internText(INTERNED_ANNOTATION_NAMES, this.annotationNames, label);
    }
    this.out.end();
  }

  private internText(field: number, table: Map<string, number>, text: string): void {
    table.set(text, table.size + 1);
    this.out.begin(field);
    this.out.integer(INTERNED_IID, table.size);
    this.out.text(INTERNED_TEXT, text);
    this.out.end();
  }

  private beginPacket(): void {
    this.out.begin(TRACE_PACKET);
    this.out.integer(PACKET_SEQUENCE_ID, SEQUENCE_ID);
    this.out.integer(PACKET_SEQUENCE_FLAGS, this.first ? SEQUENCE_CLEARED | SEQUENCE_NEEDED : SEQUENCE_NEEDED);
    this.first = false;
  }

  private endPacket(): void {
    this.out.end();
    if (this.out.size >= FLUSH_AT_BYTES) this.flush();
  }

  private flush(): void {
    if (this.out.size > 0) this.sink.write(this.out.encoded);
    this.out.clear();
  }
}
