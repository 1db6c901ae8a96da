import { type FieldErrors, type apps, type batch, type core, refs, statusError } from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../../contract.ts'
import { forbidden, isAbout } from '../refuse.ts'
import { violationText, violations } from './evaluate.ts'
import { LATEST, MODES, type Mode, type NamespacePolicy, PREFIX, isStricter, policyOf, textOf } from './policy.ts'
import type { CheckedPod } from './words.ts'

/** Where a kind has its pod template. */
const TEMPLATES: ReadonlyMap<string, (object: unknown) => core.PodTemplateSpec | undefined> = new Map([
  ['/replicationcontrollers', (object: unknown) => (object as core.ReplicationController).spec?.template],
  ['/podtemplates', (object: unknown) => (object as core.PodTemplate).template],
  ['apps/deployments', (object: unknown) => (object as apps.Deployment).spec?.template],
  ['apps/replicasets', (object: unknown) => (object as apps.ReplicaSet).spec?.template],
  ['apps/daemonsets', (object: unknown) => (object as apps.DaemonSet).spec?.template],
  ['apps/statefulsets', (object: unknown) => (object as apps.StatefulSet).spec?.template],
  ['batch/jobs', (object: unknown) => (object as batch.Job).spec?.template],
  ['batch/cronjobs', (object: unknown) => (object as batch.CronJob).spec?.jobTemplate?.spec?.template],
])
const EXEMPT_SUBRESOURCES: readonly string[] = ['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']
/** Of the Kubernetes whose standards these are: 1.36. */
const OWN_MINOR = 36
/** More pods than this are not looked at when a namespace changes its level. */
const MOST_PODS = 3000

/** Holds pods to the level that their namespace is labelled with; of workloads it only warns and notes, since their pods come later. */
export function podSecurity(reader: ObjectReader): AdmissionStep {
  return {
    name: 'PodSecurity',
    handles: ({ operation }) => operation === 'CREATE' || operation === 'UPDATE',
    validate(_scope, request) {
      const { resource, subresource } = request
      if (resource.group === '' && resource.plural === 'pods') return checkPod(reader, request)
      if (isAbout(request, '', 'namespaces')) return checkNamespace(reader, request)
      const template = subresource === '' ? TEMPLATES.get(`${resource.group}/${resource.plural}`)?.(request.object) : undefined
      if (template?.spec !== undefined)
        tell(request, labelsPolicy(reader, request.namespace), { metadata: template.metadata, spec: template.spec }, true)
    },
  }
}

function checkPod(reader: ObjectReader, request: AdmissionRequest): void {
  if (EXEMPT_SUBRESOURCES.includes(request.subresource)) return
  const pod = request.object as core.Pod
  const old = request.old as core.Pod | undefined
  const policy = labelsPolicy(reader, request.namespace)
  const isOpen = MODES.every((mode) => policy[mode].level === 'privileged')
  if (!isOpen && (pod.spec === undefined || (old !== undefined && !isSignificant(pod, old)))) return
  request.annotate?.(`${PREFIX}enforce-policy`, textOf(policy.enforce))
  if (isOpen || pod.spec === undefined) return evaluated(request, policy, 'enforce', true)
  const checked = { metadata: pod.metadata, spec: pod.spec }
  const why = violationText(policy.enforce, checked)
  evaluated(request, policy, 'enforce', why === undefined)
  tell(request, policy, checked, why === undefined)
  if (why !== undefined) throw forbidden(request, `violates ${why}`)
}

/** What the levels for records and warnings say. Who is refused is not warned. */
function tell(request: AdmissionRequest, policy: NamespacePolicy, pod: CheckedPod, warns: boolean): void {
  const noted = violationText(policy.audit, pod)
  if (noted !== undefined) {
    request.annotate?.(`${PREFIX}audit-violations`, `would violate ${noted}`)
    evaluated(request, policy, 'audit', false)
  }
  const why = warns ? violationText(policy.warn, pod) : undefined
  if (why === undefined) return
  request.warn(`would violate ${why}`)
  evaluated(request, policy, 'warn', false)
}

function evaluated(request: AdmissionRequest, policy: NamespacePolicy, mode: Mode, allowed: boolean): void {
  const { level, minor } = policy[mode]
  const isLatest = minor === LATEST || level === 'privileged'
  const version = isLatest ? 'latest' : minor > OWN_MINOR ? 'future' : `v1.${minor}`
  request.metrics?.podSecurity.evaluated(request, { allowed, mode, level, version })
}

const labelsPolicy = (reader: ObjectReader, namespace: string): ReturnType<typeof policyOf> =>
  policyOf(reader.get(refs.namespaces, '', namespace)?.metadata?.labels)

/** Only images, new containers and the old seccomp annotations of a pod can change what it may do. */
function isSignificant(pod: core.Pod, old: core.Pod): boolean {
  const shape = ({ metadata, spec }: core.Pod): string => {
    const seccomp = Object.entries(metadata?.annotations ?? {})
      .filter(([key]) => key.includes('seccomp.security.alpha.kubernetes.io/'))
      .map(([key, value]) => `${key}=${value}`)
      .sort()
    const images = [spec?.initContainers, spec?.containers, spec?.ephemeralContainers].map((list) =>
      (list ?? []).map(({ name, image }) => [name, image]),
    )
    return JSON.stringify([seccomp, images])
  }
  return shape(pod) !== shape(old)
}

/** Labels must be readable; the pods that are there are held against a new level, and named in warnings. */
function checkNamespace(reader: ObjectReader, request: AdmissionRequest): void {
  const namespace = request.object as core.Namespace
  const errors: FieldErrors = []
  const { enforce } = policyOf(namespace.metadata?.labels, errors)
  const name = namespace.metadata?.name ?? ''
  const oldErrors: FieldErrors = []
  const old = request.old === undefined ? undefined : policyOf((request.old as core.Namespace).metadata?.labels, oldErrors).enforce
  const messages = (list: FieldErrors): string => JSON.stringify(list)
  if (errors.length > 0 && messages(errors) !== messages(oldErrors))
    throw statusError.invalid({ group: '', kind: 'Namespace' }, name, errors)
  if (old === undefined || enforce.level === 'privileged' || textOf(enforce) === textOf(old)) return
  if (enforce.minor === old.minor && !isStricter(enforce.level, old.level)) return
  const pods = reader.list(refs.pods, name)
  if (pods.length > MOST_PODS)
    request.warn(`new PodSecurity enforce level only checked against the first ${MOST_PODS} of ${pods.length} existing pods`)
  const byReasons = Map.groupBy(pods.slice(0, MOST_PODS), ({ metadata, spec }) =>
    spec === undefined ? '' : reasonsOf(enforce, { metadata, spec }),
  )
  byReasons.delete('')
  if (byReasons.size === 0) return
  request.warn(
    `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level ${JSON.stringify(textOf(enforce))}`,
  )
  for (const line of [...byReasons].map(([reasons, list]) => podsLine(reasons, list)).sort()) request.warn(line)
}

const reasonsOf = (standard: Parameters<typeof violations>[0], pod: CheckedPod): string =>
  violations(standard, pod)
    .map(({ reason }) => reason)
    .join(', ')

function podsLine(reasons: string, pods: readonly core.Pod[]): string {
  const [first = ''] = pods.map(({ metadata }) => metadata?.name ?? '').sort()
  const others = pods.length - 1
  return `${first}${others === 0 ? '' : ` (and ${others} other pod${others === 1 ? '' : 's'})`}: ${reasons}`
}
