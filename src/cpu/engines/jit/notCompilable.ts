/** A meaning uses something that generated code does not do: the instruction is left to the reference engine. */
class NotCompilable extends Error {}

/** The one that is thrown: stack traces would cost more than the compiling of most instructions. */
export const notCompilable = new NotCompilable('generated code does not do this');
