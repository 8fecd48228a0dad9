{{/* An image as it is pulled: the mirror, where there is one, replaces the registry. Call with (list root image). */}}
{{- define "aiops.mirrored" -}}
{{- $mirror := (index . 0).Values.global.mirrorRegistry -}}
{{- $image := index . 1 -}}
{{- if $mirror -}}
{{- $parts := splitList "/" $image -}}
{{- $first := first $parts -}}
{{- $named := and (gt (len $parts) 1) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) -}}
{{ trimSuffix "/" $mirror }}/{{ ternary (rest $parts | join "/") $image $named }}
{{- else -}}
{{ $image }}
{{- end -}}
{{- end }}

{{/* The product's image: the digest wins over the tag. */}}
{{- define "aiops.image" -}}
{{- $name := printf "%s/%s" (trimSuffix "/" .Values.global.imageRegistry) .Values.image.repository -}}
{{- $whole := ternary (printf "%s@%s" $name .Values.image.digest) (printf "%s:%s" $name .Values.global.imageTag) (ne .Values.image.digest "") -}}
{{ include "aiops.mirrored" (list . $whole) }}
{{- end }}

{{/* The product's image with llama.cpp for GPUs. */}}
{{- define "aiops.cudaImage" -}}
{{- $tag := .Values.llm.sidecar.imageTag | default (printf "%s-cuda" .Values.global.imageTag) -}}
{{ include "aiops.mirrored" (list . (printf "%s/%s:%s" (trimSuffix "/" .Values.global.imageRegistry) .Values.image.repository $tag)) }}
{{- end }}
