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
  /** What the engine says about itself, of that time. */
  readonly statistics: Readonly<Record<string, number>>;
}

/** A run that lasts about `seconds`: measures with more and more iterations. The first run only warms the host up. */
export async function measureFor(
  seconds: number,
  first: number,
  run: (iterations: number) => Measurement | Promise<Measurement>,
): Promise<Measurement> {
  let iterations = first;
  for (let warm = false; ; warm = true) {
    const measured = await run(iterations);
    if (!warm && measured.seconds < WARM_UP_LIMIT * seconds) continue;
    if (measured.seconds >= seconds / 2 || iterations >= MOST_ITERATIONS) return measured;
    const factor = Math.min(20, Math.max(2, seconds / Math.max(measured.seconds, 1e-4)));
    iterations = Math.min(MOST_ITERATIONS, Math.ceil(iterations * factor));
  }
}

/** A first run this many times longer than asked for is taken as it is. */
const WARM_UP_LIMIT = 3;
const MOST_ITERATIONS = 4_000_000_000;
