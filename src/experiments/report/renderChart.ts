import type { Config, TopLevelSpec } from 'vega-lite';
import type { Figure } from '../findings.ts';

/** Colour-blind safe (after Okabe and Ito), dark enough for white paper. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#7a5c00', '#56b4e9', '#e69f00', '#555555', '#8b1a1a', '#4b0082'];
const FONT = 'Helvetica, Arial, sans-serif';

const THEME: Config = {
  background: 'white',
  font: FONT,
  axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal', gridColor: '#e6e6e6', domainColor: '#888', tickColor: '#888' },
  legend: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', symbolStrokeWidth: 2 },
  header: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal' },
  line: { strokeWidth: 2 },
  point: { size: 40, filled: true },
  range: { category: COLOURS },
  view: { stroke: 'transparent', continuousWidth: 460, continuousHeight: 280 },
};

/** The figure as an SVG document. The same figure gives the same text. */
export async function renderChart({ spec }: Pick<Figure, 'spec'>): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const { spec: compiled } = compile({ ...spec, config: THEME } as unknown as TopLevelSpec);
  // Clip paths are numbered over the life of the process.
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logLevel: vega.Error });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
