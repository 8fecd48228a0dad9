import { Alert, Button, Content, DataList, DataListCell, DataListItem, DataListItemCells, DataListItemRow, Label } from "@patternfly/react-core";
import { useState, type ReactElement } from "react";

import type { AnomalyAnswer, AnomalyDetection } from "../../api/types";
import { Loading } from "../../components/Loading";
import { keyOf, withoutVerdict } from "../../concepts/anomalies";
import { metricText } from "../../concepts/series";
import { instant, words } from "../../utilities/formats";

const SHOWN = 10;
const SEVERITY: Readonly<Record<string, "danger" | "warning" | "info">> = { HIGH: "danger", MEDIUM: "warning", LOW: "info" };

interface Props {
  answer: AnomalyAnswer | undefined;
  asking: boolean;
  /** The series whose expected band is shown. */
  looked: string | null;
  onLook: (key: string | null) => void;
}

function Row({ anomaly, looked, onLook }: { anomaly: AnomalyDetection } & Pick<Props, "looked" | "onLook">): ReactElement {
  const key = keyOf(anomaly);
  const status = SEVERITY[anomaly.severity];
  return (
    <DataListItem aria-label={`${words(anomaly.anomaly_type)} in ${key}`}>
      <DataListItemRow>
        <DataListItemCells
          dataListCells={[
            <DataListCell key="severity" isFilled={false}>
              <Label {...(status && { status })}>{words(anomaly.anomaly_type)}</Label>
            </DataListCell>,
            <DataListCell key="what" width={4}>
              <span className="aiops-series">{metricText(anomaly.labels)}</span>
              <Content component="small">
                {instant(Date.parse(anomaly.detected_at) / 1000)}: {anomaly.explanation}
              </Content>
            </DataListCell>,
            <DataListCell key="look" isFilled={false} alignRight>
              <Button
                variant="link"
                isInline
                aria-pressed={looked === key}
                onClick={() => {
                  onLook(looked === key ? null : key);
                }}
              >
                {looked === key ? "Hide the band" : "Show the band"}
              </Button>
            </DataListCell>,
          ]}
        />
      </DataListItemRow>
    </DataListItem>
  );
}

export function AnomalyList({ answer, asking, looked, onLook }: Props): ReactElement | null {
  const [all, setAll] = useState(false);
  if (asking) return <Loading what="what is unusual" />;
  if (answer === undefined) return null;
  const { anomalies } = answer;
  const silent = withoutVerdict(answer);
  const shown = all ? anomalies : anomalies.slice(0, SHOWN);
  return (
    <>
      {silent > 0 && (
        <Alert
          variant="info"
          isInline
          component="h3"
          title={`${silent} of ${answer.baseline.length} series have too little history for a verdict`}
        >
          A longer range or a finer step gives them more points.
        </Alert>
      )}
      {anomalies.length === 0 && silent < answer.baseline.length && (
        <Content component="p">Nothing is unusual at this sensitivity.</Content>
      )}
      {anomalies.length > 0 && (
        <DataList aria-label="Anomalies, newest first" isCompact className="aiops-urgent">
          {shown.map((anomaly) => (
            <Row key={anomaly.id} anomaly={anomaly} looked={looked} onLook={onLook} />
          ))}
        </DataList>
      )}
      {anomalies.length > shown.length && (
        <Button
          variant="link"
          isInline
          onClick={() => {
            setAll(true);
          }}
        >
          Show all {anomalies.length}
        </Button>
      )}
    </>
  );
}
