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

{{- /* The plural names of all kinds of run, with commas between: the names of the files that hold their CRDs. */ -}}
{{- define "dataswarm.plurals" -}}
{{- $plurals := list -}}
{{- range $file, $_ := .Files.Glob "files/*.yaml" -}}{{- $plurals = append $plurals (base $file | trimSuffix ".yaml") -}}{{- end -}}
{{- join ", " $plurals -}}
{{- end }}

{{- /* The operator's rights in the namespaces of runs. It has no others there. */ -}}
{{- define "dataswarm.rules" -}}
# ttlSecondsAfterFinished needs delete. The finalizer of deletionPolicy Purge needs patch. The operator writes nothing else
# in the spec and metadata of a run.
- apiGroups: [dataswarm.io]
  resources: [{{ include "dataswarm.plurals" . }}]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [dataswarm.io]
  resources: [{{ include "dataswarm.plurals" . | replace "," "/status," }}/status]
  verbs: [patch]
# An API server may demand this right of whoever names a run as the owner of an object and blocks its deletion
# (OwnerReferencesPermissionEnforcement, as on OpenShift).
- apiGroups: [dataswarm.io]
  resources: [{{ include "dataswarm.plurals" . | replace "," "/finalizers," }}/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# Patch removes the Job's finalizer from a pod whose node is gone.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch, delete]
# The operator reads these by name only, to compare an existing object. It neither lists nor watches Secrets.
- apiGroups: [""]
  resources: [configmaps, secrets, services, persistentvolumeclaims]
  verbs: [get, create, delete]
# The operator lists the events about Jobs and pods that do not start, to say why.
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
{{- end }}
