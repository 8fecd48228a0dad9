{{/* Security of every container: restricted-v2 and Pod Security "restricted". */}}
{{- define "aiops.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
    - ALL
{{- end }}

{{/* Security of every pod. OpenShift's namespace gives the user and the group; elsewhere the values name them. */}}
{{- define "aiops.podSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- with .Values.pod.securityContext }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
What all pods of the release have in their spec. Call with (list root name); `name` is the component whose own keys win.
A Service named redis would inject REDIS_PORT=tcp://... into every pod: service links are off.
*/}}
{{- define "aiops.podCommon" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $own := dict -}}
{{- if hasKey $root.Values $name }}{{ $own = index $root.Values $name }}{{ end -}}
{{- $pod := $root.Values.pod -}}
enableServiceLinks: false
securityContext:
  {{- include "aiops.podSecurity" $root | nindent 2 }}
{{- with $root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with dig "nodeSelector" $pod.nodeSelector $own }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $pod.tolerations (dig "tolerations" list $own) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with dig "priorityClassName" $pod.priorityClassName $own }}
priorityClassName: {{ . }}
{{- end }}
{{- with concat $pod.topologySpreadConstraints (dig "topologySpreadConstraints" list $own) }}
topologySpreadConstraints:
  {{- range . }}
  {{- $constraint := . }}
  {{- if not (hasKey . "labelSelector") }}
  {{- $constraint = merge (dict "labelSelector" (dict "matchLabels" (include "aiops.selector" (list $root $name) | fromYaml))) . }}
  {{- end }}
  - {{ toYaml $constraint | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Spreads a component's pods over nodes where it can. Call with (list root name). */}}
{{- define "aiops.spread" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        labelSelector:
          matchLabels:
            {{- include "aiops.selector" . | nindent 12 }}
        topologyKey: kubernetes.io/hostname
{{- end }}

{{/* Probes of a role: it lives, and it may have traffic. */}}
{{- define "aiops.probes" -}}
startupProbe:
  httpGet:
    path: /health
    port: http
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet:
    path: /health
    port: http
  initialDelaySeconds: 10
  periodSeconds: 10
readinessProbe:
  httpGet:
    path: /ready
    port: http
  initialDelaySeconds: 5
  periodSeconds: 5
  timeoutSeconds: 4
{{- end }}

{{/* Volumes of a role. Call with (list root name). */}}
{{- define "aiops.volumes" -}}
{{- $root := index . 0 -}}
- name: tmp
  emptyDir: {}
{{- if and (eq (include "aiops.postgresqlMode" $root) "external") $root.Values.postgresql.tls.caSecret }}
- name: postgresql-ca
  secret: {secretName: {{ $root.Values.postgresql.tls.caSecret }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- if and (eq (include "aiops.redisMode" $root) "external") $root.Values.redis.tls.caSecret }}
- name: redis-ca
  secret: {secretName: {{ $root.Values.redis.tls.caSecret }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- if or $root.Values.trustedCA.configMap $root.Values.trustedCA.inject }}
- name: trusted-ca
  configMap: {name: {{ $root.Values.trustedCA.configMap | default "aiops-trusted-ca" }}, items: [{key: ca-bundle.crt, path: ca-bundle.crt}]}
{{- end }}
{{- if and (eq (index . 1) "intelligence-engine") $root.Values.llm.enabled (eq $root.Values.llm.profile "sidecar") }}
- name: models
  persistentVolumeClaim: {claimName: {{ $root.Values.llm.existingClaim }}, readOnly: true}
{{- end }}
{{- with concat $root.Values.pod.extraVolumes (dig "extraVolumes" list (index $root.Values (index . 1))) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Mounts of a role's containers. Call with (list root name). */}}
{{- define "aiops.mounts" -}}
{{- $root := index . 0 -}}
- {name: tmp, mountPath: /tmp}
{{- if and (eq (include "aiops.postgresqlMode" $root) "external") $root.Values.postgresql.tls.caSecret }}
- {name: postgresql-ca, mountPath: /etc/aiops/postgresql-ca, readOnly: true}
{{- end }}
{{- if and (eq (include "aiops.redisMode" $root) "external") $root.Values.redis.tls.caSecret }}
- {name: redis-ca, mountPath: /etc/aiops/redis-ca, readOnly: true}
{{- end }}
{{- if or $root.Values.trustedCA.configMap $root.Values.trustedCA.inject }}
- {name: trusted-ca, mountPath: /etc/aiops/trusted-ca, readOnly: true}
{{- end }}
{{- with concat $root.Values.pod.extraVolumeMounts (dig "extraVolumeMounts" list (index $root.Values (index . 1))) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Whether something of the release drives the component's pods, by name. Call with (list root name). */}}
{{- define "aiops.pods" -}}
{{- $own := index (index . 0).Values (index . 1) -}}
{{- if dig "autoscaling" "enabled" false $own -}}
{{ $own.autoscaling.minReplicas }}
{{- else -}}
{{ $own.replicas }}
{{- end -}}
{{- end }}
