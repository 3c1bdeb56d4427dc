import { Worker } from 'node:worker_threads';
import type { PointRun } from './experiment.ts';
import type { PointOutcome } from './measurement.ts';

/** The file of the worker, beside this one: compiled or not. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './pointWorker.ts' : './pointWorker.js', import.meta.url);

/** Carries out points and gives back what became of each. */
export interface PointPool {
  /** Settles when the point is measured or has failed; never rejects. */
  measure(run: PointRun): Promise<PointOutcome>;
  /** Ends at once, whatever is under way: those points never settle. */
  close(): Promise<void>;
}

/** One thread of the pool: it has at most one point at a time. */
interface Thread {
  readonly worker: Worker;
  settle: ((outcome: PointOutcome) => void) | undefined;
}

/**
 * `jobs` threads that measure points. A point runs on one thread from beginning to end and shares nothing with the others, so what it gives does not
 * depend on how many there are. A thread that dies takes its point with it, which has then failed, and is replaced.
 */
export class WorkerPool implements PointPool {
  private readonly jobs: number;
  private readonly threads = new Set<Thread>();
  private readonly free: Thread[] = [];
  private readonly waiting: { run: PointRun; settle: (outcome: PointOutcome) => void }[] = [];
  private closed = false;

  constructor(jobs: number) {
    this.jobs = jobs;
  }

  measure(run: PointRun): Promise<PointOutcome> {
    return new Promise((settle) => {
      this.waiting.push({ run, settle });
      this.dispatch();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.threads].map(({ worker }) => worker.terminate()));
  }

  private dispatch(): void {
    while (!this.closed && this.waiting.length > 0) {
      const thread = this.free.pop() ?? (this.threads.size < this.jobs ? this.start() : undefined);
      if (thread === undefined) return;
      const { run, settle } = this.waiting.shift()!;
      thread.settle = settle;
      thread.worker.postMessage(run);
    }
  }

  private start(): Thread {
    const worker = new Worker(WORKER);
    const thread: Thread = { worker, settle: undefined };
    this.threads.add(thread);
    worker.on('message', (outcome: PointOutcome) => {
      const { settle } = thread;
      thread.settle = undefined;
      this.free.push(thread);
      settle?.(outcome);
      this.dispatch();
    });
    const lost = (reason: string): void => {
      if (!this.threads.delete(thread)) return;
      const index = this.free.indexOf(thread);
      if (index >= 0) this.free.splice(index, 1);
      if (!this.closed) thread.settle?.({ kind: 'failed', reason });
      this.dispatch();
    };
    worker.on('error', (error) => lost(`the emulator failed: ${error.message.split('\n')[0]}`));
    worker.on('exit', () => lost('the thread that ran it ended'));
    return thread;
  }
}
