// Lines over time on a canvas, which stays smooth at a hundred series of a thousand points. Dragging chooses a range;
// plots of one page share their crosshair. What it shows is in the table too, for those who do not see it.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useRef, type ReactElement } from "react";

import type { Stroke } from "./palette";

export interface Line {
  key: string;
  stroke: Stroke;
  values: (number | null)[];
  shown: boolean;
}

/** Between these two lines a value was expected. */
export interface Band {
  lower: (number | null)[];
  upper: (number | null)[];
  color: string;
}

/** A point that is marked: index on the time axis, and the value there. */
export interface Mark {
  index: number;
  value: number;
}

interface Props {
  /** Unix seconds. */
  times: number[];
  lines: readonly Line[];
  band: Band | null;
  marks: readonly Mark[];
  markColor: string;
  dark: boolean;
  height: number;
  label: string;
  formatValue: (value: number) => string;
  onZoom: (start: Date, end: Date) => void;
  /** The index of the point under the crosshair; null when there is none. */
  onPoint: (index: number | null) => void;
}

const SHARED = "aiops";
const MARK_RADIUS = 4;
const LEAST_DRAG_PX = 8;

function drawMarks(plot: uPlot, marks: readonly Mark[], times: number[], color: string): void {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const { index, value } of marks) {
    const x = plot.valToPos(times[index] ?? 0, "x", true);
    const y = plot.valToPos(value, "y", true);
    ctx.beginPath();
    ctx.arc(x, y, MARK_RADIUS * devicePixelRatio, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const missing = (index: number): boolean => values[index] === null || values[index] === undefined;
  const found: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!missing(index) && missing(index - 1) && missing(index + 1)) found.push(index);
  }
  return found;
}

function optionsOf(props: Props, width: number, latest: { current: Props }): uPlot.Options {
  const subtle = props.dark ? "#c7c7c7" : "#4d4d4d";
  const line = props.dark ? "rgb(255 255 255 / 12%)" : "rgb(0 0 0 / 10%)";
  const axis = { stroke: subtle, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width,
    height: props.height,
    legend: { show: false },
    cursor: { sync: { key: SHARED }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: { x: { time: true } },
    axes: [
      axis,
      { ...axis, size: 70, values: (_: uPlot, ticks: number[]) => ticks.map((tick) => props.formatValue(tick)) },
    ],
    series: [
      {},
      ...props.lines.map(({ stroke, shown }) => ({
        stroke: stroke.color,
        dash: stroke.dash,
        width: 1.5,
        show: shown,
        spanGaps: false,
        // A sample between two gaps makes no line: it is drawn as a point.
        points: { show: true, size: 5, fill: stroke.color, filter: lonely },
      })),
      ...(props.band ? [{ show: true, width: 0, points: { show: false } }, { show: true, width: 0, points: { show: false } }] : []),
    ],
    bands: props.band
      ? [{ series: [props.lines.length + 2, props.lines.length + 1] as [number, number], fill: props.band.color }]
      : [],
    hooks: {
      draw: [
        (plot) => {
          drawMarks(plot, latest.current.marks, latest.current.times, latest.current.markColor);
        },
      ],
      setCursor: [
        (plot) => {
          latest.current.onPoint(plot.cursor.idx ?? null);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: dragged } = plot.select;
          if (dragged < LEAST_DRAG_PX) return;
          const at = (px: number): Date => new Date(Math.round(plot.posToVal(px, "x")) * 1000);
          latest.current.onZoom(at(left), at(left + dragged));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function dataOf({ times, lines, band }: Props): uPlot.AlignedData {
  return [times, ...lines.map(({ values }) => values), ...(band ? [band.lower, band.upper] : [])] as uPlot.AlignedData;
}

export function TimePlot(props: Props): ReactElement {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { times, lines, band, marks, dark, height } = props;
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const plot = new uPlot(optionsOf(latest.current, element.clientWidth, latest), dataOf(latest.current), element);
    const resizing = new ResizeObserver(() => {
      plot.setSize({ width: element.clientWidth, height });
    });
    resizing.observe(element);
    return () => {
      resizing.disconnect();
      plot.destroy();
    };
  }, [times, lines, band, marks, dark, height]);
  return <div ref={host} role="img" aria-label={props.label} className="aiops-plot" />;
}
