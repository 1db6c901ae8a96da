import type * as core from '../types/core-v1.gen.ts'
import { addQuantities } from '../meta/quantity.ts'
import { isShared } from '../meta/shared-parts.ts'
import { dropDisabledPodFields } from './disabled-fields.ts'
import { hasMovingTag } from './image-name.ts'
import { containerAmounts } from './resources.ts'
import { type AnyContainer, visitContainers } from './visit.ts'

/** Seconds that a container gets between the signal to stop and its end. */
export const DEFAULT_GRACE_SECONDS = 30
const DEFAULT_FILE_MODE = 0o644
const DEFAULT_TOKEN_SECONDS = 3600

/** Fills in what a pod template leaves out, beyond the schema's own defaults. Idempotent. */
export function defaultPodSpec(spec: core.PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.restartPolicy ??= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= DEFAULT_GRACE_SECONDS
  spec.schedulerName ??= 'default-scheduler'
  // The older name of the field; where both are given, the newer one counts.
  if (spec.serviceAccountName !== undefined && spec.serviceAccountName !== '') spec.serviceAccount = spec.serviceAccountName
  else if (spec.serviceAccount !== undefined && spec.serviceAccount !== '') spec.serviceAccountName = spec.serviceAccount
  if (spec.volumes !== undefined) for (const volume of spec.volumes) defaultVolume(volume)
  visitContainers(spec, defaultContainer)
}

export function defaultPodTemplate(template: core.PodTemplateSpec | undefined): void {
  if (template === undefined) return
  template.spec ??= { containers: [] }
  defaultPodSpec(template.spec)
  dropDisabledPodFields(template.spec)
}

/** What only a pod gets, not a template: requests from limits, ports of the host's network, service links. */
export function defaultPod(pod: core.Pod): void {
  if (pod.status !== undefined) defaultStatus(pod.status)
  const spec = (pod.spec ??= { containers: [] })
  // A shared one had its defaults before it was shared.
  if (isShared(spec)) return
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
  defaultPodSpec(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork === true)
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
      for (const port of container.ports ?? []) port.hostPort ??= port.containerPort
  visitContainers(spec, (container, kind) => {
    if (kind !== 'ephemeral') requestsFromLimits(container.resources)
  })
  defaultPodLevelRequests(spec)
}

/** The first address is also written alone; where the two differ, the one alone counts, as older clients write only that. */
function defaultStatus(status: core.PodStatus): void {
  const { podIP, podIPs } = status
  if (podIP !== undefined && podIP !== '' && podIPs?.[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }]
  else if (podIPs?.[0] !== undefined) status.podIP = podIPs[0].ip
  for (const condition of status.conditions ?? []) {
    condition.lastProbeTime ??= null
    condition.lastTransitionTime ??= null
  }
}

function requestsFromLimits(resources: core.ResourceRequirements | undefined): void {
  if (resources?.limits === undefined) return
  const requests = { ...resources.limits, ...resources.requests }
  if (resources.requests === undefined || Object.keys(requests).length > Object.keys(resources.requests).length)
    resources.requests = requests
}

/** A pod with limits of its own also asks for something itself: what its containers ask for together, else as much as its limit. */
function defaultPodLevelRequests(spec: core.PodSpec): void {
  const { resources } = spec
  if (resources === undefined) return
  defaultHugePageLimits(spec, resources)
  if (resources.limits === undefined || Object.keys(resources.limits).length === 0) return
  const requests: Record<string, string> = { ...resources.requests }
  const sums = containerAmounts(spec, 'requests')
  for (const name of ['cpu', 'memory']) if (sums[name] !== undefined) requests[name] ??= sums[name]
  for (const [name, limit] of Object.entries(resources.limits)) if (isPodResource(name)) requests[name] ??= limit
  if (Object.keys(requests).length > Object.keys(resources.requests ?? {}).length) resources.requests = requests
}

const isPodResource = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** Huge pages cannot be promised twice: the pod's limit is the sum of its containers'. */
function defaultHugePageLimits({ containers }: core.PodSpec, resources: core.ResourceRequirements): void {
  const sums: Record<string, string> = {}
  for (const container of containers ?? [])
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {}))
      if (name.startsWith('hugepages-')) sums[name] = addQuantities(sums[name] ?? '0', limit)
  for (const [name, sum] of Object.entries(sums))
    if (resources.limits?.[name] === undefined && resources.requests?.[name] === undefined)
      resources.limits = { ...resources.limits, [name]: sum }
}

function defaultContainer(container: AnyContainer): void {
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  if (container.imagePullPolicy === undefined || container.imagePullPolicy === '')
    container.imagePullPolicy = hasMovingTag(container.image ?? '') ? 'Always' : 'IfNotPresent'
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe !== undefined) defaultProbe(probe)
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) defaultHttpGet(handler?.httpGet)
  if (container.env !== undefined)
    for (const { valueFrom } of container.env) {
      if (valueFrom?.fieldRef !== undefined) defaultFieldRef(valueFrom.fieldRef)
      if (valueFrom?.fileKeyRef !== undefined) valueFrom.fileKeyRef.optional ??= false
    }
}

function defaultProbe(probe: core.Probe): void {
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  defaultHttpGet(probe.httpGet)
  if (probe.grpc !== undefined) probe.grpc.service ??= ''
}

function defaultHttpGet(action: core.HTTPGetAction | undefined): void {
  if (action === undefined) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultFieldRef(reference: core.ObjectFieldSelector): void {
  reference.apiVersion ||= 'v1'
}

const SOURCE_FIELDS: ReadonlySet<string> = new Set(['name'])

function defaultVolume(volume: core.Volume): void {
  if (Object.entries(volume).every(([field, source]) => SOURCE_FIELDS.has(field) || source === undefined || source === null))
    volume.emptyDir = {}
  if (volume.secret !== undefined) volume.secret.defaultMode ??= DEFAULT_FILE_MODE
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= DEFAULT_FILE_MODE
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= DEFAULT_FILE_MODE
    defaultDownwardItems(volume.downwardAPI.items)
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= DEFAULT_FILE_MODE
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= DEFAULT_TOKEN_SECONDS
      defaultDownwardItems(source.downwardAPI?.items)
    }
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= ''
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ||= 'default'
  if (volume.image !== undefined) volume.image.pullPolicy ||= hasMovingTag(volume.image.reference ?? '') ? 'Always' : 'IfNotPresent'
  if (volume.ephemeral?.volumeClaimTemplate?.spec !== undefined) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem'
}

function defaultDownwardItems(items: readonly core.DownwardAPIVolumeFile[] | undefined): void {
  for (const item of items ?? []) if (item.fieldRef !== undefined) defaultFieldRef(item.fieldRef)
}
