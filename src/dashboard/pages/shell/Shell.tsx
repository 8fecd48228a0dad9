// What every page shows a signed-in person: masthead and navigation, and a way past both for the keyboard.
import { Page, SkipToContent } from "@patternfly/react-core";
import { lazy, Suspense, useEffect, useState, type ReactElement, type ReactNode } from "react";
import { matchRoute, useRouter } from "wouter";

import type { Me } from "../../api/types";
import { markNoticesRead } from "../../concepts/live";
import { usePathname } from "../../utilities/url-state";
import { ROUTES, type PageRoute } from "../routes";
import { ShellMasthead } from "./ShellMasthead";
import { ShellNavigation } from "./ShellNavigation";

const MAIN_ID = "main";
// PatternFly collapses its sidebar below this width; there the navigation starts closed.
const WIDE = "(min-width: 1200px)";

const NoticeDrawer = lazy(async () => ({ default: (await import("./NoticeDrawer")).NoticeDrawer }));

function useCurrentRoute(): PageRoute | undefined {
  const { parser } = useRouter();
  const pathname = usePathname();
  return ROUTES.find(({ path }) => matchRoute(parser, path, pathname)[0]);
}

interface Props {
  me: Me;
  onSignedOut: () => void;
  children: ReactNode;
}

export function Shell({ me, onSignedOut, children }: Props): ReactElement {
  const route = useCurrentRoute();
  const pathname = usePathname();
  const [navOpen, setNavOpen] = useState(() => window.matchMedia(WIDE).matches);
  const [noticesOpen, setNoticesOpen] = useState(false);
  const [shownPath, setShownPath] = useState(pathname);
  if (shownPath !== pathname) {
    setShownPath(pathname);
    // On a narrow screen the navigation covers the page that was just chosen.
    if (!window.matchMedia(WIDE).matches) setNavOpen(false);
  }
  useEffect(() => {
    const label = route?.nav?.label ?? decodeURIComponent(pathname.split("/").at(-1) ?? "");
    document.title = label === "" ? "AIOps NextGen" : `${label} · AIOps NextGen`;
  }, [route, pathname]);
  const toggleNotices = (): void => {
    if (noticesOpen) markNoticesRead();
    setNoticesOpen(!noticesOpen);
  };
  return (
    <Page
      masthead={
        <ShellMasthead
          me={me}
          onSignedOut={onSignedOut}
          usesScope={route?.usesScope ?? false}
          usesTime={route?.usesTime ?? false}
          navOpen={navOpen}
          onToggleNav={() => {
            setNavOpen(!navOpen);
          }}
          onToggleNotices={toggleNotices}
          noticesOpen={noticesOpen}
        />
      }
      sidebar={<ShellNavigation isOpen={navOpen} current={route} />}
      mainContainerId={MAIN_ID}
      skipToContent={<SkipToContent href={`#${MAIN_ID}`}>Skip to content</SkipToContent>}
      isNotificationDrawerExpanded={noticesOpen}
      {...(noticesOpen && {
        notificationDrawer: (
          <Suspense>
            <NoticeDrawer onClose={toggleNotices} />
          </Suspense>
        ),
      })}
    >
      {children}
    </Page>
  );
}
