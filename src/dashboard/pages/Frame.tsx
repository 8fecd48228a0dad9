// What every page shows a signed-in person: the masthead, their menu, and a way past both for the keyboard.
import {
  Alert,
  Divider,
  Dropdown,
  DropdownGroup,
  DropdownItem,
  DropdownList,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  MenuToggle,
  Page,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from "@patternfly/react-core";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { useState, type ReactElement, type ReactNode } from "react";

import type { Me } from "../api/types";
import { Brand } from "../components/Brand";
import { useSignOut } from "../concepts/session";
import { asFailure } from "../utilities/failure";
import { words } from "../utilities/formats";

const MAIN_ID = "main";

function UserMenu({ me, onSignOut }: { me: Me; onSignOut: () => void }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: "right" }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant="plainText"
          icon={<UserIcon />}
          isExpanded={open}
          aria-label={`Signed in as ${me.subject}`}
          onClick={() => {
            setOpen(!open);
          }}
        >
          {me.subject}
        </MenuToggle>
      )}
    >
      <DropdownGroup label={`Role: ${words(me.role)}`}>
        <DropdownList>
          <DropdownItem key="docs" to="/docs">
            API reference
          </DropdownItem>
          <Divider component="li" />
          <DropdownItem key="sign-out" onClick={onSignOut}>
            Sign out
          </DropdownItem>
        </DropdownList>
      </DropdownGroup>
    </Dropdown>
  );
}

export function Frame({ me, children }: { me: Me; children: ReactNode }): ReactElement {
  const signOut = useSignOut(me.csrf_token);
  const masthead = (
    <Masthead display={{ default: "inline" }}>
      <MastheadMain>
        <MastheadBrand>
          <MastheadLogo href="/" aria-label="AIOps NextGen, start page">
            <Brand />
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isFullHeight isStatic>
          <ToolbarContent>
            <ToolbarItem align={{ default: "alignEnd" }}>
              <UserMenu
                me={me}
                onSignOut={() => {
                  signOut.mutate();
                }}
              />
            </ToolbarItem>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
  return (
    <Page
      masthead={masthead}
      mainContainerId={MAIN_ID}
      skipToContent={<SkipToContent href={`#${MAIN_ID}`}>Skip to content</SkipToContent>}
    >
      {signOut.isError && (
        <Alert variant="danger" isInline title={`You are still signed in: ${asFailure(signOut.error).code}`}>
          {signOut.error.message}
        </Alert>
      )}
      {children}
    </Page>
  );
}
