import { all, decodeMessage, integer, messages, text } from './protobufDecoder.ts';

export interface ReadTrack {
  readonly name: string;
  /** Name of the parent track. */
  readonly parent: string | undefined;
}

export interface ReadEvent {
  readonly track: string;
  readonly time: number;
  readonly type: 'begin' | 'end' | 'instant';
  readonly name: string | undefined;
  readonly annotations: Readonly<Record<string, number | string>>;
  readonly flows: readonly bigint[];
  readonly terminatingFlows: readonly bigint[];
}

export interface ReadSlice {
  readonly track: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

/** Reads a trace as the viewer does, and throws where the viewer would complain. Tracks are named `parent/name`. */
export function readPerfetto(bytes: Uint8Array): { tracks: ReadTrack[]; events: ReadEvent[] } {
  const tracks = new Map<number, ReadTrack & { path: string }>();
  const eventNames = new Map<number, string>();
  const annotationNames = new Map<number, string>();
  const events: ReadEvent[] = [];
  for (const [index, packet] of messages(decodeMessage(bytes), 1).entries()) {
    if (integer(packet, 10) === undefined) throw new Error('a packet without a sequence');
    if (integer(packet, 13) !== (index === 0 ? 3 : 2)) throw new Error(`sequence flags of packet ${index}`);
    for (const interned of messages(packet, 12)) {
      for (const entry of messages(interned, 2)) eventNames.set(integer(entry, 1)!, text(entry, 2)!);
      for (const entry of messages(interned, 3)) annotationNames.set(integer(entry, 1)!, text(entry, 2)!);
    }
    for (const descriptor of messages(packet, 60)) {
      const uuid = integer(descriptor, 1)!;
      if (uuid === 0 || tracks.has(uuid)) throw new Error(`track ${uuid} is described twice`);
      const parentUuid = integer(descriptor, 5);
      const parent = parentUuid === undefined ? undefined : tracks.get(parentUuid);
      if (parentUuid !== undefined && parent === undefined) throw new Error(`track ${uuid} has no parent ${parentUuid}`);
      const name = text(descriptor, 2)!;
      tracks.set(uuid, { name, parent: parent?.path, path: parent === undefined ? name : `${parent.path}/${name}` });
    }
    for (const event of messages(packet, 11)) {
      const track = tracks.get(integer(event, 11)!);
      if (track === undefined) throw new Error('an event on a track that is not described');
      const iid = integer(event, 10);
      const name = iid === undefined ? undefined : eventNames.get(iid);
      if (iid !== undefined && name === undefined) throw new Error(`name ${iid} is not interned`);
      const annotations: Record<string, number | string> = {};
      for (const annotation of messages(event, 4)) {
        const label = annotationNames.get(integer(annotation, 1)!);
        if (label === undefined) throw new Error('an annotation without a name');
        annotations[label] = text(annotation, 6) ?? integer(annotation, 4)!;
      }
      events.push({
        track: track.path,
        time: integer(packet, 8)!,
        type: (['begin', 'end', 'instant'] as const)[integer(event, 9)! - 1]!,
        name,
        annotations,
        flows: all(event, 47) as bigint[],
        terminatingFlows: all(event, 48) as bigint[],
      });
    }
  }
  return { tracks: [...tracks.values()].map(({ name, parent }) => ({ name, parent })), events };
}

/** The slices of a trace. Throws when one is not closed, ends before the one inside it, or time falls on a track. */
export function slicesOf(events: readonly ReadEvent[]): ReadSlice[] {
  const open = new Map<string, { name: string; from: number }[]>();
  const latest = new Map<string, number>();
  const slices: ReadSlice[] = [];
  for (const event of events) {
    if (event.time < (latest.get(event.track) ?? 0)) throw new Error(`time falls on ${event.track}`);
    latest.set(event.track, event.time);
    const stack = open.get(event.track) ?? [];
    open.set(event.track, stack);
    if (event.type === 'begin') stack.push({ name: event.name!, from: event.time });
    if (event.type === 'end') {
      const slice = stack.pop();
      if (slice === undefined) throw new Error(`an end without a beginning on ${event.track}`);
      slices.push({ track: event.track, ...slice, to: event.time, depth: stack.length });
    }
  }
  for (const [track, stack] of open) if (stack.length > 0) throw new Error(`${stack.length} slices stay open on ${track}`);
  return slices;
}
