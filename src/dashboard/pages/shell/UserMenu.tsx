import {
  Alert,
  AlertGroup,
  Divider,
  Dropdown,
  DropdownGroup,
  DropdownItem,
  DropdownList,
  MenuToggle,
} from "@patternfly/react-core";
import UserIcon from "@patternfly/react-icons/dist/esm/icons/user-icon";
import { lazy, Suspense, useState, type ReactElement } from "react";

import type { Me } from "../../api/types";
import { useSignOut } from "../../concepts/session";
import { asFailure } from "../../utilities/failure";
import { words } from "../../utilities/formats";
import { useTheme, type Theme } from "../../utilities/theme";

const AboutDialog = lazy(async () => ({ default: (await import("./AboutDialog")).AboutDialog }));

const THEMES: readonly (readonly [theme: Theme, label: string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function UserMenu({ me, onSignedOut }: { me: Me; onSignedOut: () => void }): ReactElement {
  const [open, setOpen] = useState(false);
  const [about, setAbout] = useState(false);
  const signOut = useSignOut();
  const { theme, choose } = useTheme();
  return (
    <>
      <Dropdown
        isOpen={open}
        onOpenChange={setOpen}
        onSelect={() => {
          setOpen(false);
        }}
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
            <span className="aiops-wide-only">{me.subject.replace(/^token:/, "")}</span>
          </MenuToggle>
        )}
      >
        <DropdownGroup label={`Role: ${words(me.role)}`}>
          <DropdownList>
            <DropdownItem key="docs" to="/docs">
              API reference
            </DropdownItem>
            <DropdownItem
              key="about"
              onClick={() => {
                setAbout(true);
              }}
            >
              About
            </DropdownItem>
          </DropdownList>
        </DropdownGroup>
        <Divider />
        <DropdownGroup label="Theme">
          <DropdownList>
            {THEMES.map(([value, label]) => (
              <DropdownItem
                key={value}
                isSelected={value === theme}
                onClick={() => {
                  choose(value);
                }}
              >
                {label}
              </DropdownItem>
            ))}
          </DropdownList>
        </DropdownGroup>
        <Divider />
        <DropdownList>
          <DropdownItem
            key="sign-out"
            onClick={() => {
              signOut.mutate(undefined, { onSuccess: onSignedOut });
            }}
          >
            Sign out
          </DropdownItem>
        </DropdownList>
      </Dropdown>
      {about && (
        <Suspense>
          <AboutDialog
            onClose={() => {
              setAbout(false);
            }}
          />
        </Suspense>
      )}
      {signOut.isError && (
        <AlertGroup isToast isLiveRegion>
          <Alert variant="danger" title={`You are still signed in: ${asFailure(signOut.error).code}`}>
            {signOut.error.message}
          </Alert>
        </AlertGroup>
      )}
    </>
  );
}
