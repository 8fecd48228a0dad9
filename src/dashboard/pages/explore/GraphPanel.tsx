// The answer over time: lines, their legend, and on demand what is unusual in them.
import {
  Alert,
  Button,
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  Flex,
  FlexItem,
  FormSelect,
  FormSelectOption,
} from "@patternfly/react-core";
import { useCallback, useMemo, useState, type ReactElement } from "react";

import { FailureState } from "../../components/FailureState";
import { strokeOf } from "../../components/plot/palette";
import { TimePlot, type Band, type Line, type Mark } from "../../components/plot/TimePlot";
import { marksOf, bandOf } from "../../concepts/anomalies";
import { SENSITIVITIES, useAnomalies, useExploreView, type Answered } from "../../concepts/explore";
import { plotSeries, timesOf, type Grid } from "../../concepts/series";
import { useTimeRange } from "../../concepts/time-range";
import { compact, words } from "../../utilities/formats";
import { useTheme } from "../../utilities/theme";
import { AnomalyList } from "./AnomalyList";
import { Legend } from "./Legend";

const SHOWN_AT_FIRST = 50;
const HEIGHT = 320;

interface Shown {
  answered: Answered;
  grid: Grid;
}

function Graph({ answered, grid }: Shown): ReactElement {
  const [view, change] = useExploreView();
  const [, setRange] = useTimeRange();
  const { dark } = useTheme();
  const [all, setAll] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [point, setPoint] = useState<number | null>(null);
  const [looked, setLooked] = useState<string | null>(null);
  const anomalies = useAnomalies(answered.span, view.sensitivity);

  const series = useMemo(() => plotSeries(answered.answer, grid), [answered, grid]);
  const times = useMemo(() => timesOf(grid), [grid]);
  const drawn = useMemo(() => (all ? series : series.slice(0, SHOWN_AT_FIRST)), [series, all]);
  const lines = useMemo(
    (): Line[] =>
      drawn.map(({ key, values }, index) => ({ key, values, stroke: strokeOf(index, dark), shown: !hidden.has(key) })),
    [drawn, dark, hidden],
  );
  // One band at a time can be read: that of the series that is looked at, or of the only one.
  const banded = looked ?? (drawn.length === 1 ? (drawn[0]?.key ?? null) : null);
  const band = useMemo((): Band | null => {
    const found = anomalies.data && banded !== null ? bandOf(anomalies.data, banded, grid) : null;
    return found && { ...found, color: dark ? "rgb(115 188 247 / 25%)" : "rgb(0 102 204 / 15%)" };
  }, [anomalies.data, banded, grid, dark]);
  const marks = useMemo(
    (): Mark[] => (anomalies.data ? marksOf(anomalies.data.anomalies, drawn.filter(({ key }) => !hidden.has(key)), grid) : []),
    [anomalies.data, drawn, hidden, grid],
  );
  const zoom = useCallback(
    (start: Date, end: Date) => {
      setRange({ from: start.toISOString().replace(".000", ""), to: end.toISOString().replace(".000", "") });
    },
    [setRange],
  );
  return (
    <Card component="section" aria-labelledby="graph">
      <CardHeader
        actions={{
          hasNoOffset: true,
          actions: (
            <Flex columnGap={{ default: "columnGapSm" }} className="aiops-filters">
              <FlexItem>
                <FormSelect
                  aria-label="Anomalies"
                  value={view.sensitivity ?? ""}
                  onChange={(_, value) => {
                    change({ anomalies: value });
                  }}
                >
                  <FormSelectOption value="" label="Anomalies: off" />
                  {SENSITIVITIES.map((one) => (
                    <FormSelectOption key={one} value={one} label={`Anomalies: ${words(one).toLowerCase()} sensitivity`} />
                  ))}
                </FormSelect>
              </FlexItem>
            </Flex>
          ),
        }}
      >
        <CardTitle component="h2" id="graph">
          Over time
        </CardTitle>
      </CardHeader>
      <CardBody>
        {series.length > drawn.length && (
          <Alert variant="info" isInline component="h3" title={`The first ${drawn.length} of ${series.length} series are drawn`}>
            <Button
              variant="link"
              isInline
              onClick={() => {
                setAll(true);
              }}
            >
              Draw all
            </Button>
          </Alert>
        )}
        <TimePlot
          label={`Graph of ${series.length} series over time; the table below has their last values`}
          times={times}
          lines={lines}
          band={band}
          marks={marks}
          markColor={dark ? "#ff7468" : "#b1380b"}
          dark={dark}
          height={HEIGHT}
          formatValue={compact}
          onZoom={zoom}
          onPoint={setPoint}
        />
        <Legend
          series={drawn}
          lines={lines}
          point={point}
          time={point === null ? null : (times[point] ?? null)}
          onToggle={(key) => {
            const next = new Set(hidden);
            if (!next.delete(key)) next.add(key);
            setHidden(next);
          }}
          onIsolate={(key) => {
            const others = drawn.filter((one) => one.key !== key).map((one) => one.key);
            setHidden(hidden.size === others.length && !hidden.has(key) ? new Set() : new Set(others));
          }}
        />
        {anomalies.isError && (
          <FailureState what="anomalies" error={anomalies.error} onRetry={() => void anomalies.refetch()} />
        )}
        {view.sensitivity !== null && (
          <AnomalyList answer={anomalies.data} asking={anomalies.isFetching} looked={looked} onLook={setLooked} />
        )}
      </CardBody>
    </Card>
  );
}

export function GraphPanel({ answered }: { answered: Answered }): ReactElement | null {
  return answered.grid === null ? null : <Graph answered={answered} grid={answered.grid} />;
}
