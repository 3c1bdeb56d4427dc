/**
 * A probe observes; it never changes what it observes.
 *
 * Whoever emits asks first: `if (probe.mask & (1 << EVENT_X)) probe.event(EVENT_X, …)`, so that an unobserved event costs one test.
 */
export interface Probe {
  /** Bit `1 << event` is set when somebody listens to that event. Constant during a run. */
  readonly mask: number;
  /** @param cycles local time of the core. The four arguments are those of the event's row in `EVENTS`; unused ones are 0. */
  event(event: number, core: number, cycles: number, a: number, b: number, c: number, d: number): void;
}

/** The probe that observes nothing. */
export const noProbe: Probe = {
  mask: 0,
  event() {},
};

/** A probe that passes every event on to those of `probes` that listen to it. */
export function combineProbes(probes: readonly Probe[]): Probe {
  const first = probes[0];
  if (first === undefined) return noProbe;
  if (probes.length === 1) return first;
  return {
    mask: probes.reduce((mask, probe) => mask | probe.mask, 0),
    event(event, core, cycles, a, b, c, d) {
      for (const probe of probes) {
        if (probe.mask & (1 << event)) probe.event(event, core, cycles, a, b, c, d);
      }
    },
  };
}
