import {
  Button,
  EmptyState,
  EmptyStateBody,
  NotificationDrawer,
  NotificationDrawerBody,
  NotificationDrawerHeader,
  NotificationDrawerList,
  NotificationDrawerListItem,
  NotificationDrawerListItemBody,
  NotificationDrawerListItemHeader,
} from "@patternfly/react-core";
import type { ReactElement } from "react";

import { clearNotices, useLive } from "../../concepts/live";
import { ago } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { navigate } from "../../utilities/url-state";

export function NoticeDrawer({ onClose }: { onClose: () => void }): ReactElement {
  const { notices, unread } = useLive();
  const now = useNow(10_000);
  return (
    <NotificationDrawer>
      <NotificationDrawerHeader title="Notifications" count={unread} onClose={onClose}>
        {notices.length > 0 && (
          <Button variant="link" isInline onClick={clearNotices}>
            Clear all
          </Button>
        )}
      </NotificationDrawerHeader>
      <NotificationDrawerBody>
        {notices.length === 0 ? (
          <EmptyState variant="sm" headingLevel="h2" titleText="Nothing has happened">
            <EmptyStateBody>Alerts and changes of clusters show here while this page is open.</EmptyStateBody>
          </EmptyState>
        ) : (
          <NotificationDrawerList aria-label="Notifications, newest first">
            {notices.map(({ id, variant, title, text, at, path }, index) => (
              <NotificationDrawerListItem
                key={id}
                variant={variant}
                isRead={index >= unread}
                onClick={() => {
                  navigate(path);
                  onClose();
                }}
              >
                <NotificationDrawerListItemHeader variant={variant} title={title} headingLevel="h2" />
                <NotificationDrawerListItemBody timestamp={ago(at, now)}>{text}</NotificationDrawerListItemBody>
              </NotificationDrawerListItem>
            ))}
          </NotificationDrawerList>
        )}
      </NotificationDrawerBody>
    </NotificationDrawer>
  );
}
