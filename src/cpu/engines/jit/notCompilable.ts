/** A meaning uses something that generated code does not do: the instruction is left to the reference engine. */
export class NotCompilable extends Error {}
