/** The user asked for something that cannot be: one line on standard error, status 2, no stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
