{{/* Variables of a role's containers. Call with (list root name entry), where entry is the role's in "aiops.roles". */}}
{{- define "aiops.env" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $entry := index . 2 -}}
- {name: HOME, value: /tmp}
- {name: AIOPS_HTTP_HOST, value: 0.0.0.0}
- {name: AIOPS_HTTP_PORT, value: "8080"}
# A proxy in front speaks TLS; network policies keep all others away.
- {name: AIOPS_HTTP_INSECURE_HTTP, value: "true"}
{{- with include "aiops.publicUrl" $root }}
- {name: AIOPS_HTTP_PUBLIC_URL, value: {{ . | quote }}}
{{- end }}
{{- if $entry.stores }}
{{ include "aiops.storeEnv" $root }}
{{- range $key := list "AIOPS_INTERNAL_SECRET" "AIOPS_SECRET_KEY" }}
- name: {{ $key }}
  valueFrom: {secretKeyRef: {name: {{ include "aiops.hubSecret" $root }}, key: {{ $key }}}}
{{- end }}
{{- end }}
{{- range $entry.calls }}
- {name: {{ . | upper | replace "-" "_" }}_URL, value: "http://{{ . }}:8080"}
{{- end }}
{{- if eq $name "api-gateway" }}
- name: AIOPS_ADMIN_TOKEN
  valueFrom: {secretKeyRef: {name: {{ include "aiops.hubSecret" $root }}, key: AIOPS_ADMIN_TOKEN}}
{{- if eq $root.Values.auth.mode "openshift" }}
- {name: OAUTH_ISSUER, value: {{ $root.Values.global.oauth.issuer | quote }}}
- {name: OAUTH_CLIENT_ID, value: {{ include "aiops.oauthClientId" $root | quote }}}
{{- end }}
{{- end }}
{{- if eq $name "intelligence-engine" }}
{{- include "aiops.objectEnv" $root }}
{{- include "aiops.llmEnv" $root }}
{{- end }}
{{- if $root.Values.trustedCA.configMap | or $root.Values.trustedCA.inject }}
- {name: SSL_CERT_FILE, value: /etc/aiops/trusted-ca/ca-bundle.crt}
{{- end }}
{{- include "aiops.proxyEnv" $root }}
{{- with concat $root.Values.pod.extraEnv (dig "extraEnv" list (index $root.Values $name)) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The way out. Everybody has it: the other roles and the stores are reached directly whatever it says. */}}
{{- define "aiops.proxyEnv" -}}
{{- range $name, $value := dict "HTTPS_PROXY" .Values.proxy.httpsProxy "HTTP_PROXY" .Values.proxy.httpProxy "NO_PROXY" .Values.proxy.noProxy }}
{{- if $.Values.proxy.existingSecret }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.proxy.existingSecret }}, key: {{ $name }}, optional: true}}
{{- else if $value }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* The ports of the proxies in the values, as a JSON array; those in a Secret are named in networkPolicy.egressPorts. */}}
{{- define "aiops.proxyPorts" -}}
{{- $ports := list -}}
{{- range compact (list .Values.proxy.httpsProxy .Values.proxy.httpProxy) -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" (trimSuffix "/" .)) | default "80" | int) -}}
{{- end -}}
{{ $ports | uniq | toJson }}
{{- end }}

{{/* Where the stores are. libpq reads its own variables for TLS. */}}
{{- define "aiops.storeEnv" -}}
{{- $database := include "aiops.databaseSecret" . | fromYaml -}}
- name: DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ $database.name }}, key: {{ $database.key }}}}
{{- if and (eq (include "aiops.postgresqlMode" .) "external") .Values.postgresql.tls.caSecret }}
- {name: PGSSLMODE, value: {{ .Values.postgresql.tls.mode }}}
- {name: PGSSLROOTCERT, value: /etc/aiops/postgresql-ca/ca.crt}
{{- end }}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ include "aiops.redisSecret" . }}, key: REDIS_URL}}
{{- if and (eq (include "aiops.redisMode" .) "external") .Values.redis.tls.caSecret }}
- {name: AIOPS_REDIS_CA_FILE, value: /etc/aiops/redis-ca/ca.crt}
{{- end }}
{{- end }}

{{/* Where files such as reports go. */}}
{{- define "aiops.objectEnv" -}}
{{- with .Values.objectStorage }}
{{- if .enabled }}
{{- if eq .provider "odf" }}
- name: BUCKET_NAME
  valueFrom: {configMapKeyRef: {name: aiops-objects, key: BUCKET_NAME}}
- name: BUCKET_HOST
  valueFrom: {configMapKeyRef: {name: aiops-objects, key: BUCKET_HOST}}
- name: BUCKET_PORT
  valueFrom: {configMapKeyRef: {name: aiops-objects, key: BUCKET_PORT}}
- {name: AIOPS_OBJECTS_URL, value: "s3://$(BUCKET_NAME)"}
- {name: AIOPS_OBJECTS_ENDPOINT, value: "https://$(BUCKET_HOST):$(BUCKET_PORT)"}
{{- else if eq .provider "minio" }}
- {name: AIOPS_OBJECTS_URL, value: {{ .url | default "s3://aiops" | quote }}}
- {name: AIOPS_OBJECTS_ENDPOINT, value: "http://minio{{ with .namespace }}.{{ . }}.svc{{ end }}:9000"}
{{- else }}
- {name: AIOPS_OBJECTS_URL, value: {{ .url | quote }}}
{{- with .endpoint }}
- {name: AIOPS_OBJECTS_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end }}
- {name: AIOPS_OBJECTS_REGION, value: {{ .region | quote }}}
{{- $secret := include "aiops.objectSecret" $ }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ $key }}}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Secret with the object store's keys. */}}
{{- define "aiops.objectSecret" -}}
{{- with .Values.objectStorage -}}
{{ .existingSecret | default (ternary "aiops-objects" "minio-credentials" (eq .provider "odf")) }}
{{- end -}}
{{- end }}

{{/* Which model the intelligence engine asks. */}}
{{- define "aiops.llmEnv" -}}
{{- if .Values.llm.enabled }}
{{- $engine := index .Values "intelligence-engine" }}
- {name: LLM_PROVIDER, value: {{ $engine.llm.provider | quote }}}
- {name: LLM_LOCAL_URL, value: {{ include "aiops.llmUrl" . | quote }}}
- {name: LLM_MODEL, value: {{ include "aiops.llmModel" . | quote }}}
{{- with and (eq .Values.llm.profile "external") .Values.llm.external.existingSecret }}
- name: LLM_API_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: LLM_API_KEY}}
{{- end }}
{{- end }}
{{- end }}

{{- define "aiops.llmUrl" -}}
{{- $url := (index .Values "intelligence-engine").llm.localUrl -}}
{{- if eq .Values.llm.profile "sidecar" -}}
http://127.0.0.1:8081/v1
{{- else if eq .Values.llm.profile "external" -}}
{{ .Values.llm.external.url }}
{{- else if .Values.llm.namespace -}}
http://vllm.{{ .Values.llm.namespace }}.svc:8080/v1
{{- else -}}
{{ $url }}
{{- end -}}
{{- end }}
