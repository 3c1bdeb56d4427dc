/** What a reader is shown: tables and figures as plain data. */
export type Cell = string | number | null;

export interface Column {
  readonly name: string;
  /** Decimals of its numbers; whole numbers when absent. */
  readonly digits?: number;
}

export interface Table {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Values of one mark of a figure, by field. */
export type Datum = Readonly<Record<string, string | number | null>>;

export interface Figure {
  /** Name of its file. */
  readonly id: string;
  readonly title: string;
  /** The shape that the publication reports. */
  readonly shape: string;
  /** The published number, where it is certain; else that there is none. */
  readonly published: string;
  /** The emulator's number. */
  readonly measured: string;
  /** A Vega-Lite specification, with its data inline. */
  readonly spec: Readonly<Record<string, unknown>>;
}
