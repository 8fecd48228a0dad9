// What each line is, and its value under the crosshair. A click hides a line; with Shift, or the second button, all
// the others.
import { Button } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { Line } from "../../components/plot/TimePlot";
import type { PlotSeries } from "../../concepts/series";
import { compact, instant } from "../../utilities/formats";

interface Props {
  series: readonly PlotSeries[];
  lines: readonly Line[];
  point: number | null;
  time: number | null;
  onToggle: (key: string) => void;
  onIsolate: (key: string) => void;
}

function Swatch({ line }: { line: Line }): ReactElement {
  return (
    <svg width="20" height="10" aria-hidden="true" className="aiops-legend__swatch">
      <line x1="0" y1="5" x2="20" y2="5" stroke={line.stroke.color} strokeWidth="3" strokeDasharray={line.stroke.dash.join(" ")} />
    </svg>
  );
}

function valueAt(values: readonly (number | null)[], point: number | null): string {
  const value = point === null ? values.findLast((one) => one !== null) : values[point];
  return value === null || value === undefined ? "none" : compact(value);
}

export function Legend({ series, lines, point, time, onToggle, onIsolate }: Props): ReactElement {
  return (
    <>
      <p className="aiops-message">{time === null ? "Last values" : instant(time)}. Drag over the graph to look closer.</p>
      <ul aria-label="Series" className="aiops-legend">
        {series.map(({ key, label, values }, index) => {
          const line = lines[index];
          return (
            line && (
              <li key={key} className={line.shown ? "" : "aiops-legend__hidden"}>
                <button
                  type="button"
                  aria-pressed={line.shown}
                  title={key}
                  onClick={({ shiftKey }) => {
                    (shiftKey ? onIsolate : onToggle)(key);
                  }}
                >
                  <Swatch line={line} />
                  <span className="aiops-legend__label">{label}</span>
                </button>
                <span className="aiops-legend__value">{valueAt(values, point)}</span>
                <Button
                  variant="link"
                  isInline
                  size="sm"
                  aria-label={`Only ${label}`}
                  onClick={() => {
                    onIsolate(key);
                  }}
                >
                  only
                </Button>
              </li>
            )
          );
        })}
      </ul>
    </>
  );
}
