{{/* Names are bare (api-gateway, postgresql-0): commands, URLs and rules name them so; one release per namespace. */}}

{{/* Labels of every object. Call with the root. */}}
{{- define "aiops.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: aiops-nextgen
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Labels of an object of one component. Call with (list root name component). */}}
{{- define "aiops.objectLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/component: {{ index . 2 }}
{{ include "aiops.labels" $root }}
{{- end }}

{{/* What selects a component's pods, and may never change. Call with (list root name). */}}
{{- define "aiops.selector" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{/* Labels of a component's pods. Call with (list root name component). */}}
{{- define "aiops.podLabels" -}}
{{ include "aiops.selector" . }}
app.kubernetes.io/part-of: aiops-nextgen
app.kubernetes.io/component: {{ index . 2 }}
{{- end }}

{{/*
The six roles: what each runs, which others it calls, and whether it stands on PostgreSQL and Redis.
The same table as the product's own (`aiops modules`); a test compares them.
*/}}
{{- define "aiops.roles" -}}
api-gateway:
  role: gateway
  component: gateway
  stores: true
  calls: [cluster-registry, observability-collector, intelligence-engine, realtime-streaming]
cluster-registry:
  role: registry
  component: backend
  stores: true
  calls: []
observability-collector:
  role: collector
  component: backend
  stores: true
  calls: [cluster-registry]
intelligence-engine:
  role: intelligence
  component: backend
  stores: true
  calls: [observability-collector]
realtime-streaming:
  role: streaming
  component: backend
  stores: true
  calls: [cluster-registry]
frontend:
  role: frontend
  component: frontend
  stores: false
  calls: []
{{- end }}

{{/* Where PostgreSQL comes from: embedded, cnpg or external. */}}
{{- define "aiops.postgresqlMode" -}}
{{ ternary .Values.postgresql.mode "external" .Values.postgresql.enabled }}
{{- end }}

{{/* Where Redis comes from: standalone, sentinel or external. */}}
{{- define "aiops.redisMode" -}}
{{ ternary .Values.redis.mode "external" .Values.redis.enabled }}
{{- end }}

{{/* The Secret with DATABASE_URL, and its key. */}}
{{- define "aiops.databaseSecret" -}}
{{- $mode := include "aiops.postgresqlMode" . -}}
{{- if eq $mode "cnpg" -}}
{name: postgresql-app, key: uri}
{{- else if .Values.postgresql.existingSecret -}}
{name: {{ .Values.postgresql.existingSecret }}, key: DATABASE_URL}
{{- else if eq $mode "external" -}}
{{- fail "postgresql.existingSecret: postgresql.mode is external, so name the Secret that holds DATABASE_URL" -}}
{{- else -}}
{name: {{ .Values.global.postgresql.secretName }}, key: DATABASE_URL}
{{- end -}}
{{- end }}

{{/* The Secret with REDIS_URL and, for the embedded one, REDIS_PASSWORD. */}}
{{- define "aiops.redisSecret" -}}
{{- if .Values.redis.existingSecret -}}
{{ .Values.redis.existingSecret }}
{{- else if eq (include "aiops.redisMode" .) "external" -}}
{{- fail "redis.existingSecret: redis.mode is external, so name the Secret that holds REDIS_URL" -}}
{{- else -}}
redis-credentials
{{- end -}}
{{- end }}

{{/* The Secret with the hub's own keys. */}}
{{- define "aiops.hubSecret" -}}
{{ .Values.auth.existingSecret | default "aiops-secrets" }}
{{- end }}

{{/* The public host, or nothing where the cluster chooses it. */}}
{{- define "aiops.host" -}}
{{- if and .Values.route.enabled (.Capabilities.APIVersions.Has "route.openshift.io/v1") -}}
{{ .Values.route.host }}
{{- else if .Values.ingress.enabled -}}
{{ .Values.ingress.host }}
{{- else if .Values.httpRoute.enabled -}}
{{ .Values.httpRoute.host }}
{{- end -}}
{{- end }}

{{/* The public URL, or nothing where the host is not known before installation. */}}
{{- define "aiops.publicUrl" -}}
{{- $host := include "aiops.host" . -}}
{{- if $host -}}
{{- $plain := and .Values.ingress.enabled (not .Values.ingress.tlsSecret) (not (and .Values.route.enabled (.Capabilities.APIVersions.Has "route.openshift.io/v1"))) -}}
{{ ternary "http" "https" (not (not $plain)) }}://{{ $host }}
{{- end -}}
{{- end }}

{{/* Paths of the gateway on the one host; all others are the dashboard's. /metrics and /internal are nobody's. */}}
{{- define "aiops.gatewayPaths" -}}
- {suffix: "", path: /api}
- {suffix: -ws, path: /ws}
- {suffix: -prometheus, path: /prometheus}
- {suffix: -loki, path: /loki}
- {suffix: -mcp, path: /mcp}
- {suffix: -oauth, path: /oauth}
- {suffix: -health, path: /health}
- {suffix: -ready, path: /ready}
- {suffix: -docs, path: /docs}
- {suffix: -redoc, path: /redoc}
- {suffix: -openapi, path: /openapi.json}
- {suffix: -protected-resource, path: /.well-known/oauth-protected-resource}
{{- end }}

{{/* Refuses what no schema can see. */}}
{{- define "aiops.check" -}}
{{- $namespace := .Values.global.namespace -}}
{{- if and $namespace (ne $namespace .Release.Namespace) -}}
{{- fail (printf "global.namespace: is %q, but the release goes to %q; leave it empty or give --namespace %s" $namespace .Release.Namespace $namespace) -}}
{{- end -}}
{{- if and (eq (include "aiops.postgresqlMode" .) "embedded") (gt (int .Values.postgresql.replicas) 2) -}}
{{- fail "postgresql.replicas: the embedded PostgreSQL has 1, or 2 for a primary and its standby; take mode cnpg for more" -}}
{{- end -}}
{{- if and .Values.postgresql.synchronous (eq (include "aiops.postgresqlMode" .) "embedded") (lt (int .Values.postgresql.replicas) 2) -}}
{{- fail "postgresql.synchronous: a commit would wait for a standby that there is not; set postgresql.replicas to 2" -}}
{{- end -}}
{{- if and (eq (include "aiops.redisMode" .) "standalone") (gt (int .Values.redis.replicas) 1) -}}
{{- fail "redis.replicas: several pods need redis.mode sentinel" -}}
{{- end -}}
{{- if and (eq (include "aiops.redisMode" .) "sentinel") (lt (int .Values.redis.replicas) 3) -}}
{{- fail "redis.replicas: Sentinel needs at least 3 pods to agree on a new master" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name at least one Gateway to attach to" -}}
{{- end -}}
{{- if and .Values.objectStorage.enabled (eq .Values.objectStorage.provider "minio") (not .Values.objectStorage.minio.image) -}}
{{- fail "objectStorage.minio.image: name your MinIO image; none is published any more" -}}
{{- end -}}
{{- if and .Values.objectStorage.enabled (eq .Values.objectStorage.provider "s3") (or (not .Values.objectStorage.url) (not .Values.objectStorage.existingSecret)) -}}
{{- fail "objectStorage.url and objectStorage.existingSecret: provider s3 needs s3://bucket and the Secret with its keys" -}}
{{- end -}}
{{- if .Values.llm.enabled -}}
{{- $provider := (index .Values "intelligence-engine").llm.provider -}}
{{- if and (ne .Values.llm.profile "external") (ne $provider "local") -}}
{{- fail (printf "llm.profile: %s is asked by the profile external; %s serves a model of your own, with intelligence-engine.llm.provider local" $provider .Values.llm.profile) -}}
{{- end -}}
{{- if and (eq $provider "local") (eq .Values.llm.profile "external") (not .Values.llm.external.url) -}}
{{- fail "llm.external.url: the profile external needs the endpoint's base URL" -}}
{{- end -}}
{{- if and (ne $provider "local") (not .Values.llm.external.existingSecret) -}}
{{- fail (printf "llm.external.existingSecret: name the Secret whose LLM_API_KEY is your key of %s" $provider) -}}
{{- end -}}
{{- if and (ne $provider "local") (not .Values.llm.model) -}}
{{- fail (printf "llm.model: name the model of %s to ask" $provider) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.llm.enabled (eq .Values.llm.profile "sidecar") (not .Values.llm.existingClaim) -}}
{{- fail "llm.existingClaim: the profile sidecar serves a GGUF file; name the claim that holds it" -}}
{{- end -}}
{{- if and .Values.objectStorage.enabled .Values.objectStorage.namespace (ne .Values.objectStorage.namespace .Release.Namespace) -}}
{{- if eq .Values.objectStorage.provider "odf" -}}
{{- fail "objectStorage.namespace: the bucket's keys appear beside its claim, where intelligence-engine cannot read them; leave it empty, or give provider s3 with copies of them" -}}
{{- end -}}
{{- if and (eq .Values.objectStorage.provider "minio") (not .Values.objectStorage.existingSecret) -}}
{{- fail (printf "objectStorage.existingSecret: MinIO goes to namespace %s, so make the Secret with its keys there and in %s" .Values.objectStorage.namespace .Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- range $name, $entry := include "aiops.roles" . | fromYaml -}}
{{- $scaling := (index $.Values $name).autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas: %d is more than maxReplicas, %d" $name (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.secrets.hook.enabled -}}
{{- if not .Values.auth.existingSecret -}}
{{- fail "auth.existingSecret: secrets.hook.enabled is false, so name the Secret with the hub's own keys" -}}
{{- end -}}
{{- if and (eq .Values.auth.mode "openshift") .Values.rbac.clusterScoped (not .Values.auth.oauthExistingSecret) -}}
{{- fail "auth.oauthExistingSecret: secrets.hook.enabled is false, so name the Secret with OAUTH_CLIENT_SECRET" -}}
{{- end -}}
{{- end -}}
{{- end }}
