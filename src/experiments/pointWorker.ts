import { parentPort } from 'node:worker_threads';
import type { PointRun } from './experiment.ts';
import { measurePoint } from './measurePoint.ts';

/** A thread that measures one point after the other: a point comes in as a message, its outcome goes out as one. */
parentPort?.on('message', (run: PointRun) => parentPort?.postMessage(measurePoint(run)));
