// The fields of a cluster, for adding one and for editing one. It decides nothing: what is wrong is told to it.
import {
  Checkbox,
  ExpandableSection,
  FormFieldGroup,
  FormFieldGroupHeader,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  Grid,
  GridItem,
  HelperText,
  HelperTextItem,
  TextArea,
  TextInput,
} from "@patternfly/react-core";
import { useState, type ReactElement, type ReactNode } from "react";

import type { EndpointOptions } from "../../api/types";
import { ENDPOINTS, optionsOf, type Draft, type EndpointName } from "../../concepts/cluster-draft";
import { CLUSTER_TYPES, ENVIRONMENTS, PLATFORMS } from "../../concepts/clusters";
import { words } from "../../utilities/formats";

interface Props {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
  /** By field; only what should be shown now. */
  problems: Partial<Record<string, string>>;
  /** A name cannot be changed later. */
  isNew: boolean;
}

const ENDPOINT_LABEL: Readonly<Record<EndpointName, string>> = {
  prometheus: "Prometheus",
  thanos: "Thanos (asked instead of Prometheus)",
  alertmanager: "Alertmanager",
  tempo: "Tempo",
  loki: "Loki",
};

function Help({ id, text, problem }: { id: string; text?: string | undefined; problem: string | undefined }): ReactElement | null {
  if (problem === undefined && text === undefined) return null;
  return (
    <FormHelperText>
      <HelperText id={id} isLiveRegion>
        <HelperTextItem variant={problem === undefined ? "default" : "error"}>{problem ?? text}</HelperTextItem>
      </HelperText>
    </FormHelperText>
  );
}

interface FieldProps {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string | undefined;
  help?: string;
  isRequired?: boolean;
  isDisabled?: boolean;
  type?: "text" | "url" | "password";
  lines?: number;
}

function Field({ id, label, value, onChange, problem, help, lines, type = "text", ...rest }: FieldProps): ReactElement {
  const common = {
    id,
    value,
    validated: problem === undefined ? ("default" as const) : ("error" as const),
    "aria-describedby": `${id}-help`,
    spellCheck: false,
    autoComplete: "off",
  };
  return (
    <FormGroup label={label} fieldId={id} {...(rest.isRequired && { isRequired: true })}>
      {lines === undefined ? (
        <TextInput {...common} type={type} isDisabled={rest.isDisabled ?? false} onChange={(_, next) => { onChange(next); }} />
      ) : (
        <TextArea {...common} rows={lines} resizeOrientation="vertical" onChange={(_, next) => { onChange(next); }} />
      )}
      <Help id={`${id}-help`} text={help} problem={problem} />
    </FormGroup>
  );
}

interface ChoiceProps<T extends string> {
  id: string;
  label: string;
  value: T;
  values: readonly T[];
  onChange: (value: T) => void;
}

function Choice<T extends string>({ id, label, value, values, onChange }: ChoiceProps<T>): ReactElement {
  return (
    <FormGroup label={label} fieldId={id}>
      <FormSelect
        id={id}
        value={value}
        onChange={(_, next) => {
          const chosen = values.find((one) => one === next);
          if (chosen !== undefined) onChange(chosen);
        }}
      >
        {values.map((one) => (
          <FormSelectOption key={one} value={one} label={words(one)} />
        ))}
      </FormSelect>
    </FormGroup>
  );
}

interface OptionsProps {
  kind: EndpointName;
  options: EndpointOptions;
  onChange: (options: EndpointOptions) => void;
}

function Options({ kind, options, onChange }: OptionsProps): ReactElement {
  const [open, setOpen] = useState(options.tls.insecure);
  const { tls, tenant } = options;
  const text = (value: string): string | null => (value === "" ? null : value);
  return (
    <ExpandableSection
      toggleText={`TLS and tenant of ${words(kind)}`}
      isExpanded={open}
      isIndented
      onToggle={(_, next) => {
        setOpen(next);
      }}
    >
      <Field
        id={`${kind}-ca`}
        label="Certificate authority (PEM)"
        lines={3}
        value={tls.ca ?? ""}
        help="When its certificate is signed by an authority of your own."
        onChange={(value) => { onChange({ ...options, tls: { ...tls, ca: text(value) } }); }}
      />
      <Field
        id={`${kind}-server-name`}
        label="Name in the certificate"
        value={tls.server_name ?? ""}
        help="When it is another than the address'."
        onChange={(value) => { onChange({ ...options, tls: { ...tls, server_name: text(value) } }); }}
      />
      <Field
        id={`${kind}-tenant`}
        label="Tenant"
        value={tenant ?? ""}
        help="Sent as X-Scope-OrgID."
        onChange={(value) => { onChange({ ...options, tenant: text(value) }); }}
      />
      <Checkbox
        id={`${kind}-insecure`}
        label="Do not check the certificate"
        description="Anybody between the hub and the cluster could read and change what they say."
        isChecked={tls.insecure}
        onChange={(_, insecure) => { onChange({ ...options, tls: { ...tls, insecure } }); }}
      />
    </ExpandableSection>
  );
}

function Group({ id, title, text, children }: { id: string; title: string; text: string; children: ReactNode }): ReactElement {
  return (
    <FormFieldGroup header={<FormFieldGroupHeader titleText={{ text: title, id }} titleDescription={text} />}>
      {children}
    </FormFieldGroup>
  );
}

export function ClusterFields({ draft, onChange, problems, isNew }: Props): ReactElement {
  const text = (field: "name" | "display_name" | "region" | "labels" | "api_server_url" | "metrics_token") => ({
    id: `cluster-${field}`,
    value: draft[field],
    problem: problems[field],
    onChange: (value: string): void => {
      onChange({ [field]: value });
    },
  });
  return (
    <>
      <Field
        {...text("name")}
        label="Name"
        isRequired
        isDisabled={!isNew}
        help={isNew ? "Lower-case letters, digits and dashes. It stays as long as the cluster." : "A name cannot be changed."}
      />
      <Field {...text("display_name")} label="Shown as" help="The name, when empty." />
      <Grid hasGutter md={6}>
        <GridItem>
          <Choice id="cluster-type" label="Type" value={draft.cluster_type} values={CLUSTER_TYPES} onChange={(cluster_type) => { onChange({ cluster_type }); }} />
        </GridItem>
        <GridItem>
          <Choice id="cluster-environment" label="Environment" value={draft.environment} values={ENVIRONMENTS} onChange={(environment) => { onChange({ environment }); }} />
        </GridItem>
        <GridItem>
          <Choice id="cluster-platform" label="Platform" value={draft.platform} values={PLATFORMS} onChange={(platform) => { onChange({ platform }); }} />
        </GridItem>
        <GridItem>
          <Field {...text("region")} label="Region" />
        </GridItem>
      </Grid>
      <Field {...text("labels")} label="Labels" lines={3} help="One key=value on each line." />
      <Group id="cluster-endpoints" title="Addresses" text="What the hub asks. One is enough.">
        {ENDPOINTS.map((kind) => (
          <div key={kind}>
            <Field
              id={`cluster-${kind}`}
              label={ENDPOINT_LABEL[kind]}
              type="url"
              value={draft.urls[kind]}
              problem={problems[kind]}
              onChange={(value) => { onChange({ urls: { ...draft.urls, [kind]: value } }); }}
            />
            {draft.urls[kind].trim() !== "" && (
              <Options
                kind={kind}
                options={optionsOf(draft, kind)}
                onChange={(options) => { onChange({ options: { ...draft.options, [kind]: options } }); }}
              />
            )}
          </div>
        ))}
        <Field {...text("api_server_url")} label="Kubernetes API server" type="url" />
      </Group>
      {isNew && (
        <Field
          {...text("metrics_token")}
          label="Bearer token for Prometheus or Thanos"
          type="password"
          help="Stored encrypted and never shown again. Other credentials: aiops cluster add --help."
        />
      )}
    </>
  );
}
