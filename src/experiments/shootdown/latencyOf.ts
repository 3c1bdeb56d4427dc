import type { Measurement } from '../measurement.ts';
import { meanOf, quantile } from '../statistics.ts';

/** Latencies of shootdowns in microseconds. */
export const latenciesMicros = ({ shootdowns, frequencyHz }: Measurement): number[] =>
  shootdowns.map((one) => ((one.end - one.begin) / frequencyHz) * 1e6);

/** Those in whose middle the initiator kept its core: what the scheme takes, without what a scheduler takes from the initiator itself. */
export const undisturbedMicros = ({ shootdowns, frequencyHz }: Measurement): number[] =>
  shootdowns.filter((one) => one.descheduled === 0).map((one) => ((one.end - one.begin) / frequencyHz) * 1e6);

export const meanLatency = (measurement: Measurement): number => meanOf(latenciesMicros(measurement));
export const medianLatency = (measurement: Measurement): number => quantile(latenciesMicros(measurement), 0.5);
