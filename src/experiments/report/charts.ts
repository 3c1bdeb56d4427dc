import type { Datum, Figure } from '../findings.ts';

type Spec = Figure['spec'];

/** An axis: which field, what it says, and its scale. */
export interface Axis {
  readonly field: string;
  readonly title: string;
  readonly log?: boolean;
  /** Start at the smallest value instead of at 0. */
  readonly fromData?: boolean;
  readonly format?: string;
}

const quantitative = ({ field, title, log, fromData, format }: Axis): Spec => ({
  field,
  type: 'quantitative',
  title,
  scale: log === true ? { type: 'log' } : { zero: fromData !== true },
  axis: { format: format ?? (log === true ? '~s' : '~g') },
});

/** Colour by series, in the order in which the series appear. */
const byColour = (data: readonly Datum[], series: string, title: string): Spec => ({
  field: series,
  type: 'nominal',
  title,
  sort: [...new Set(data.map((datum) => datum[series]))],
});

/** A line with points for each series; where data has `low` and `high`, its interval. `facet`: a chart for each value of that field. */
export function lineChart(data: readonly Datum[], x: Axis, y: Axis, series: { field: string; title: string }, facet?: string): Spec {
  const colour = byColour(data, series.field, series.title);
  const line = { mark: { type: 'line', point: true, clip: true }, encoding: { x: quantitative(x), y: quantitative(y), color: colour } };
  const interval = {
    transform: [{ filter: 'isValid(datum.low) && isValid(datum.high)' }],
    mark: { type: 'rule', strokeWidth: 1.5 },
    encoding: { x: quantitative(x), y: { ...quantitative(y), field: 'low' }, y2: { field: 'high' }, color: colour },
  };
  return faceted(data, facet, { layer: data.some((datum) => datum['low'] !== undefined) ? [interval, line] : [line] });
}

/** Steps of distribution functions: `value` and `share` of each datum. */
export function distributionChart(
  data: readonly Datum[],
  { value, share }: { value: string; share: string },
  series: { field: string; title: string },
  facet?: string,
): Spec {
  return faceted(data, facet, {
    mark: { type: 'line', interpolate: 'step-after', clip: true },
    encoding: {
      x: quantitative({ field: 'value', title: value, log: true }),
      y: {
        field: 'share',
        type: 'quantitative',
        title: share,
        axis: { format: '%' },
        scale: { domain: [0, 1] },
      },
      color: byColour(data, series.field, series.title),
    },
  });
}

/** Bars side by side, grouped by `group`; or on top of each other when `stacked`. */
export function barChart(
  data: readonly Datum[],
  group: { field: string; title: string },
  y: Axis,
  series: { field: string; title: string },
  { stacked = false, facet }: { stacked?: boolean; facet?: string } = {},
): Spec {
  const order = [...new Set(data.map((datum) => datum[group.field]))];
  const encoding = {
    x: { field: group.field, type: 'nominal', title: group.title, sort: order, axis: { labelAngle: order.length > 6 ? -45 : 0 } },
    y: quantitative(y),
    color: byColour(data, series.field, series.title),
    ...(stacked ? {} : { xOffset: { field: series.field, sort: [...new Set(data.map((datum) => datum[series.field]))] } }),
  };
  return faceted(data, facet, { mark: { type: 'bar' }, encoding });
}

/** Pixels: what a character of a cell's text takes at most, and what is left beside the text. */
const CHARACTER_WIDTH = 6.2;
const CELL_MARGIN = 12;

/** A table of coloured cells with a word in each: `column`, `row`, `text` and what colours it. */
export function heatmap(
  data: readonly Datum[],
  { column, row, text, colour }: { column: string; row: string; text: string; colour: { field: string; title: string; nominal: boolean } },
  facet?: string,
): Spec {
  const order = (field: string): unknown[] => [...new Set(data.map((datum) => datum[field]))];
  const position = {
    x: {
      field: column,
      type: 'nominal',
      title: null,
      sort: order(column),
      axis: { orient: 'top', labelAngle: 0, domain: false, ticks: false },
    },
    y: { field: row, type: 'nominal', title: null, sort: order(row), axis: { domain: false, ticks: false } },
  };
  const fill = colour.nominal
    ? byColour(data, colour.field, colour.title)
    : { field: colour.field, type: 'quantitative', title: colour.title, scale: { scheme: 'blues' } };
  return faceted(data, facet, {
    width: { step: Math.max(60, CELL_MARGIN + CHARACTER_WIDTH * Math.max(...data.map((datum) => String(datum[text]).length))) },
    height: { step: 34 },
    layer: [
      { mark: { type: 'rect', stroke: 'white', strokeWidth: 2, opacity: 0.75 }, encoding: { ...position, color: fill } },
      { mark: { type: 'text', fontSize: 11 }, encoding: { ...position, text: { field: text } } },
    ],
  });
}

/** One chart, or one for each value of `facet`. */
function faceted(data: readonly Datum[], facet: string | undefined, { width, height, ...unit }: Spec): Spec {
  const sized = { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) };
  if (facet === undefined) return { data: { values: data }, ...sized, ...unit };
  const values = [...new Set(data.map((datum) => datum[facet]))];
  const small = width === undefined ? { width: 240, height: 200 } : sized;
  return {
    data: { values: data },
    // Tables are wide: one below the other.
    columns: width === undefined ? 3 : 1,
    facet: { field: facet, type: 'nominal', title: null, sort: values },
    spec: { ...small, ...unit },
    resolve: { axis: { x: 'independent', y: 'independent' } },
  };
}
