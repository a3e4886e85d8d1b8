{{/* The names of what the operator and the program `hem` look for are fixed: they find each other by them. One Hem a namespace. */}}

{{/* Labels of everything; .component says what it is a part of: it decides what an uninstall takes along. With .pod: those of
its pod, which a newer chart alone does not start anew. */}}
{{- define "hem.labels" -}}
{{ include "hem.selector" .root }}
{{- if not .pod }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}
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

{{/* The name of trainers' service account; empty: `default`. */}}
{{- define "hem.trainerServiceAccountName" -}}
{{ .Values.trainer.serviceAccount.name | default (ternary "hem-trainer" "" .Values.trainer.serviceAccount.create) }}
{{- end }}

{{/* What trials' pods have where their sweep does not say, as JSON: fields of spec.trainer. */}}
{{- define "hem.trainerDefaults" -}}
{{- $defaults := dict }}
{{- range $name := list "imagePullPolicy" "resources" "labels" "annotations" "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $.Values.trainer $name }}{{- $_ := set $defaults $name . }}{{- end }}
{{- end }}
{{- with concat .Values.trainer.imagePullSecrets .Values.global.imagePullSecrets | uniq }}
{{- $_ := set $defaults "imagePullSecrets" . }}
{{- end }}
{{- with include "hem.trainerServiceAccountName" . }}{{- $_ := set $defaults "serviceAccountName" . }}{{- end }}
{{- toJson $defaults }}
{{- end }}

{{/* What the monitors have in common: those of pods and that of the Service. */}}
{{- define "hem.scrape" -}}
path: /metrics
interval: {{ .interval }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- end }}
