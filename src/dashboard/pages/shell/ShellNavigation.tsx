import { Nav, NavGroup, NavItem, PageSidebar, PageSidebarBody } from "@patternfly/react-core";
import type { ReactElement } from "react";
import { Link } from "wouter";

import { useHref } from "../../utilities/url-state";
import { JOBS, ROUTES, type PageRoute } from "../routes";

export function ShellNavigation({ isOpen, current }: { isOpen: boolean; current: PageRoute | undefined }): ReactElement {
  const hrefTo = useHref();
  // A cluster's page is a part of the fleet.
  const active = current?.nav ? current.path : "/";
  return (
    <PageSidebar isSidebarOpen={isOpen} id="navigation">
      <PageSidebarBody>
        <Nav aria-label="Pages">
          {JOBS.map((job) => (
            <NavGroup key={job} title={job}>
              {ROUTES.map(
                ({ path, nav }) =>
                  nav?.job === job && (
                    <NavItem key={path} isActive={path === active && current !== undefined}>
                      <Link href={hrefTo(path)} {...(path === active && { "aria-current": "page" })}>
                        {nav.label}
                      </Link>
                    </NavItem>
                  ),
              )}
            </NavGroup>
          ))}
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
}
