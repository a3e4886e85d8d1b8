{{/* The names of what the operator and the program `hem` look for are fixed: they find each other by them. One Hem a namespace. */}}

{{/* Labels of everything; .component says what it is a part of: it decides what an uninstall takes along. */}}
{{- define "hem.labels" -}}
{{ include "hem.selector" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: hem
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the Deployment and the Services select. A Deployment's selector can never change. */}}
{{- define "hem.selector" -}}
app.kubernetes.io/name: hem-operator
{{- end }}

{{- define "hem.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default "hem-operator" }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* An image with its tag or digest: (dict "image" .Values.image "root" $) */}}
{{- define "hem.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Roles of the whole cluster have names of the whole cluster: those for one namespace's operator are told apart by its own. */}}
{{- define "hem.clusterName" -}}
{{- if .root.Values.watchNamespace -}}
{{ .name }}-{{ .root.Release.Namespace }}
{{- else -}}
{{ .name }}
{{- end -}}
{{- end }}
