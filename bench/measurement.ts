/** One measured run of one guest on one machine. */
export interface Measurement {
  readonly iterations: number;
  /** What the guest printed as its checksum. */
  readonly checksum: string;
  /** Host seconds from `start` to the checksum. */
  readonly seconds: number;
  /** Guest instructions and cycles in that time, all cores together; undefined where the machine cannot tell. */
  readonly instructions: number | undefined;
  readonly cycles: number | undefined;
  /** What the engine says about itself. */
  readonly statistics: Readonly<Record<string, number>>;
}

/** A run of `iterations` that lasts about `seconds`: measures with more and more of them. */
export async function measureFor(
  seconds: number,
  first: number,
  run: (iterations: number) => Measurement | Promise<Measurement>,
): Promise<Measurement> {
  let iterations = first;
  for (;;) {
    const measured = await run(iterations);
    if (measured.seconds >= seconds / 2 || iterations >= MOST_ITERATIONS) return measured;
    const factor = Math.min(20, Math.max(2, seconds / Math.max(measured.seconds, 1e-4)));
    iterations = Math.min(MOST_ITERATIONS, Math.ceil(iterations * factor));
  }
}

const MOST_ITERATIONS = 4_000_000_000;
