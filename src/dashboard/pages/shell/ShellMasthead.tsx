import {
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  MastheadToggle,
  NotificationBadge,
  NotificationBadgeVariant,
  PageToggleButton,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import BarsIcon from "@patternfly/react-icons/dist/esm/icons/bars-icon";
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Me } from "../../api/types";
import { Brand } from "../../components/Brand";
import { useLive } from "../../concepts/live";
import { ConnectionState } from "./ConnectionState";
import { ScopePicker } from "./ScopePicker";
import { TimeRangePicker } from "./TimeRangePicker";
import { UserMenu } from "./UserMenu";

interface Props {
  me: Me;
  onSignedOut: () => void;
  usesScope: boolean;
  usesTime: boolean;
  navOpen: boolean;
  onToggleNav: () => void;
  noticesOpen: boolean;
  onToggleNotices: () => void;
}

export function ShellMasthead(props: Props): ReactElement {
  const { unread, notices } = useLive();
  const urgent = notices.slice(0, unread).some(({ variant }) => variant === "danger");
  return (
    <Masthead display={{ default: "inline" }}>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton
            aria-label={props.navOpen ? "Close the navigation" : "Open the navigation"}
            aria-controls="navigation"
            isSidebarOpen={props.navOpen}
            onSidebarToggle={props.onToggleNav}
          >
            <BarsIcon />
          </PageToggleButton>
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={(own) => <Link {...own} href="/" aria-label="AIOps NextGen, start page" />}>
            <Brand />
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isFullHeight isStatic>
          <ToolbarContent>
            <ToolbarGroup columnGap={{ default: "columnGapSm" }}>
              {props.usesScope && (
                <ToolbarItem>
                  <ScopePicker />
                </ToolbarItem>
              )}
              {props.usesTime && (
                <ToolbarItem>
                  <TimeRangePicker />
                </ToolbarItem>
              )}
            </ToolbarGroup>
            <ToolbarGroup align={{ default: "alignEnd" }} alignItems="center" columnGap={{ default: "columnGapSm" }}>
              <ToolbarItem>
                <ConnectionState />
              </ToolbarItem>
              <ToolbarItem>
                <NotificationBadge
                  aria-label={unread === 0 ? "Notifications, none unread" : `Notifications, ${unread} unread`}
                  variant={
                    unread === 0
                      ? NotificationBadgeVariant.read
                      : urgent
                        ? NotificationBadgeVariant.attention
                        : NotificationBadgeVariant.unread
                  }
                  count={unread}
                  isExpanded={props.noticesOpen}
                  onClick={props.onToggleNotices}
                />
              </ToolbarItem>
              <ToolbarItem>
                <UserMenu me={props.me} onSignedOut={props.onSignedOut} />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
}
