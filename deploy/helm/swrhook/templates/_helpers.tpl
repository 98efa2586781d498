{{- define "swrhook.fullname" -}}
{{- if contains "swrhook" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-swrhook" (.Release.Name | trunc 42 | trimSuffix "-") }}{{ end -}}
{{- end }}

{{/* The name is fixed: the alert rules expect a job of this name. */}}
{{- define "swrhook.selector" -}}
app.kubernetes.io/name: swrhook
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "swrhook.labels" -}}
{{ include "swrhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "swrhook.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}
{{- else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "swrhook.configMap" -}}
{{- with .Values.configuration -}}
{{- if not (or .text .existingConfigMap) }}
{{- fail "give swrhook.yaml: --set-file configuration.text=swrhook.yaml, or configuration.existingConfigMap" }}
{{- end -}}
{{ .existingConfigMap | default (include "swrhook.fullname" $) }}
{{- end -}}
{{- end }}

{{- define "swrhook.secret" -}}
{{- with .Values.secrets -}}
{{- if not (or .existingSecret .values .external.enabled) }}
{{- fail "give the environment: secrets.existingSecret, secrets.values or secrets.external" }}
{{- end -}}
{{ .existingSecret | default (include "swrhook.fullname" $) }}
{{- end -}}
{{- end }}

{{/* The beginning of a pod's specification; the argument is a list of root, component and its values. */}}
{{- define "swrhook.podStart" -}}
{{- $root := index . 0 }}{{- $component := index . 1 }}{{- $values := index . 2 -}}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.serviceAccount.name }}
serviceAccountName: {{ . }}
{{- end }}
automountServiceAccountToken: {{ $root.Values.serviceAccount.automountToken }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $values }}
{{- with .nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* What every container of swrhook has. */}}
{{- define "swrhook.container" -}}
image: {{ include "swrhook.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom: [{secretRef: {name: {{ include "swrhook.secret" . }}}}]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "swrhook.env" -}}
- {name: SWRHOOK_LOG_FORMAT, value: {{ .Values.log.format | quote }}}
- {name: SWRHOOK_LOG_LEVEL, value: {{ .Values.log.level | quote }}}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The probes on a port: a process may take two minutes to start, while another one upgrades. */}}
{{- define "swrhook.slowProbes" -}}
livenessProbe:
  httpGet: {path: /healthz, port: {{ . }}}
  periodSeconds: 10
  failureThreshold: 6
  timeoutSeconds: 5
startupProbe:
  httpGet: {path: /healthz, port: {{ . }}}
  periodSeconds: 2
  failureThreshold: 60
  timeoutSeconds: 2
{{- end }}

{{- define "swrhook.spread" -}}
{{- $root := index . 0 }}{{- $component := index . 1 -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "swrhook.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $component }}
{{- end }}
