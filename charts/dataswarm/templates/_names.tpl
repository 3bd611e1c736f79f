{{- define "dataswarm.name" -}}
{{- if contains "dataswarm" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-dataswarm" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "dataswarm.account" -}}
{{- if .Values.serviceAccount.create -}}{{ default (include "dataswarm.name" .) .Values.serviceAccount.name }}{{- else -}}{{ default "default" .Values.serviceAccount.name }}{{- end -}}
{{- end }}

{{- define "dataswarm.selector" -}}
app.kubernetes.io/name: dataswarm
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dataswarm.labels" -}}
{{ include "dataswarm.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* What the operator does in the namespaces of runs, and nothing else. */ -}}
{{- define "dataswarm.rules" -}}
# Delete is for ttlSecondsAfterFinished, patch for the finalizer of deletionPolicy Purge; nothing else of a run's spec and
# metadata is written by anybody but the user.
- apiGroups: [dataswarm.io]
  resources: [swarmruns, adversarialruns]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [dataswarm.io]
  resources: [swarmruns/status, adversarialruns/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# Patch takes the Job's finalizer off a pod whose node is gone.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch, delete]
# Read by name only, to compare one that is there already: no list of Secrets, and no watch.
- apiGroups: [""]
  resources: [configmaps, secrets, services, persistentvolumeclaims]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
