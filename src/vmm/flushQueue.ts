import type { Core } from '../cpu/core.ts';
import { flushTranslations, type TranslationFlush } from './translationFlush.ts';

/** As KVM has it for Hyper-V's calls. */
export const FLUSH_QUEUE_LENGTH = 16;

/** Flushes that a vCPU must carry out before it enters its guest again. A queue that overflows becomes one flush of everything. */
export class FlushQueue {
  private readonly waiting: TranslationFlush[] = [];
  private everything: TranslationFlush | undefined;

  /** @param all what to flush when the queue is full. */
  add(flush: TranslationFlush, all: TranslationFlush): void {
    if (this.everything !== undefined) return;
    if (flush.pages > 0 && this.waiting.length < FLUSH_QUEUE_LENGTH) this.waiting.push(flush);
    else {
      this.everything = flush.pages > 0 ? all : flush;
      this.waiting.length = 0;
    }
  }

  get isEmpty(): boolean {
    return this.everything === undefined && this.waiting.length === 0;
  }

  /** What waits is carried out on this core. */
  drain(core: Core): void {
    if (this.everything !== undefined) flushTranslations(core, this.everything);
    for (const flush of this.waiting) flushTranslations(core, flush);
    this.everything = undefined;
    this.waiting.length = 0;
  }
}
