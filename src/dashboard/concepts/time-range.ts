// The page's time range: in the address, kept from page to page.
import { useCallback } from "react";

import { DEFAULT_RANGE, resolved, type TimeRange } from "../utilities/time-range";
import { useParameters } from "../utilities/url-state";

/** The range of the address; one that cannot be read is the default. */
export function useTimeRange(): [TimeRange, (range: TimeRange) => void] {
  const [parameters, change] = useParameters();
  const asked = { from: parameters.get("from") ?? DEFAULT_RANGE.from, to: parameters.get("to") ?? DEFAULT_RANGE.to };
  const range = resolved(asked, new Date()) ? asked : DEFAULT_RANGE;
  const set = useCallback(
    ({ from, to }: TimeRange) => {
      const standard = from === DEFAULT_RANGE.from && to === DEFAULT_RANGE.to;
      change(standard ? { from: null, to: null } : { from, to });
    },
    [change],
  );
  return [range, set];
}
