import { type Scope, nameSuffix } from '#base'
import { type AnyContainer, type core, isMirrorPod, podReferences, refs, visitContainers } from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../contract.ts'
import { forbidden, isAbout, lookupError } from './refuse.ts'

const DEFAULT_ACCOUNT = 'default'
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'
const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets'
const ROOT_CA_CONFIG_MAP = 'kube-root-ca.crt'
/** An hour and a little: tells tokens that pods got without asking from those that were asked for. */
const TOKEN_SECONDS = 3607

/** Every pod runs as a service account of its namespace and finds that account's token where programs look for it. */
export function serviceAccount(reader: ObjectReader): AdmissionStep {
  /** Pods that have their containers in common have the volume in common too. */
  const volumeNames = new WeakMap<object, string>()
  return {
    name: 'ServiceAccount',
    replaces: true,
    handles: (request) =>
      (request.operation === 'CREATE' && isAbout(request, '', 'pods')) ||
      (request.operation === 'UPDATE' && isAbout(request, '', 'pods', 'ephemeralcontainers')),
    mutate(scope, request) {
      const pod = request.object as core.Pod
      const { spec } = pod
      if (request.operation !== 'CREATE' || spec === undefined) return
      if (isMirrorPod(pod)) return refuseMirrorReferences(request, pod)
      if (!spec.serviceAccountName) spec.serviceAccountName = DEFAULT_ACCOUNT
      spec.serviceAccount = spec.serviceAccountName
      const account = accountOf(reader, request, spec.serviceAccountName)
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(scope, spec, volumeNames)
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }))
      }
    },
    validate(_scope, request) {
      const pod = request.object as core.Pod
      if (isMirrorPod(pod)) return refuseMirrorReferences(request, pod)
      const account = accountOf(reader, request, pod.spec?.serviceAccountName ?? DEFAULT_ACCOUNT)
      if (account.metadata?.annotations?.[ENFORCE_ANNOTATION] === 'true') limitSecrets(request, pod, account)
    },
  }
}

function accountOf(reader: ObjectReader, request: AdmissionRequest, name: string): core.ServiceAccount {
  const account = reader.get(refs.serviceaccounts, request.namespace, name)
  if (account !== undefined) return account
  throw forbidden(
    request,
    `error looking up service account ${request.namespace}/${name}: ${lookupError(name) ?? `serviceaccount ${JSON.stringify(name)} not found`}`,
  )
}

/** Adds the mount to every container that has nothing of its own there, and the volume when one of them needs it. */
function mountToken(scope: Scope, spec: core.PodSpec, volumeNames: WeakMap<object, string>): void {
  const there = spec.volumes?.find((volume) => volume.name.startsWith(VOLUME_PREFIX))
  const name = there?.name ?? volumeName(scope, spec.containers, volumeNames)
  let needed = false
  const mounted = (containers: core.Container[]): core.Container[] =>
    containers.map((container) => {
      if (container.volumeMounts?.some((mount) => mount.mountPath === TOKEN_PATH)) return container
      needed = true
      return { ...container, volumeMounts: [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_PATH }] }
    })
  const { containers, initContainers } = spec
  if (initContainers !== undefined) spec.initContainers = mounted(initContainers)
  if (containers !== undefined) spec.containers = mounted(containers)
  if (needed && there === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

function volumeName(scope: Scope, containers: object | undefined, volumeNames: WeakMap<object, string>): string {
  const known = containers === undefined ? undefined : volumeNames.get(containers)
  if (known !== undefined) return known
  const name = `${VOLUME_PREFIX}${nameSuffix(scope.random)}`
  if (containers !== undefined && Object.isFrozen(containers)) volumeNames.set(containers, name)
  return name
}

function tokenVolume(name: string): core.Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: ROOT_CA_CONFIG_MAP, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 0o644,
    },
  }
}

/** A node writes its mirror pods itself: they give it access to nothing. */
function refuseMirrorReferences(request: AdmissionRequest, pod: core.Pod): void {
  if (pod.spec?.serviceAccountName) throw forbidden(request, 'a mirror pod may not reference service accounts')
  if (podReferences(pod).secrets.size > 0) throw forbidden(request, 'a mirror pod may not reference secrets')
  const projectsToken = pod.spec?.volumes?.some((volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken))
  if (projectsToken) throw forbidden(request, 'a mirror pod may not use ServiceAccountToken volume projections')
}

/** For accounts that say so: pods may only use the secrets that the account lists. */
function limitSecrets(request: AdmissionRequest, pod: core.Pod, account: core.ServiceAccount): void {
  const accountName = account.metadata?.name ?? ''
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name))
  const because = `is not allowed because service account ${accountName} does not reference that secret`
  visitVolumeSecrets(pod, (name) => {
    if (!mountable.has(name)) throw forbidden(request, `volume with secret.secretName="${name}" ${because}`)
  })
  visitContainers(pod.spec, (container, kind) => {
    const what = kind === 'regular' ? 'container' : `${kind} container`
    visitContainerSecrets(container, (name, how) => {
      if (!mountable.has(name))
        throw forbidden(request, `${what} ${container.name} with ${how} referencing secret.secretName="${name}" ${because}`)
    })
  })
  const pull = new Set((account.imagePullSecrets ?? []).map(({ name }) => name))
  pod.spec?.imagePullSecrets?.forEach(({ name }, index) => {
    if (pull.has(name)) return
    const why = `is not allowed because service account ${accountName} does not reference that imagePullSecret`
    throw forbidden(request, `imagePullSecrets[${index}].name="${name ?? ''}" ${why}`)
  })
}

/** All secrets of volumes, whichever their type: everything that the pod refers to without its containers. */
function visitVolumeSecrets(pod: core.Pod, visit: (name: string) => void): void {
  const { imagePullSecrets: _pull, initContainers: _init, ephemeralContainers: _ephemeral, ...spec } = pod.spec ?? { containers: [] }
  for (const name of podReferences({ ...pod, spec: { ...spec, containers: [] } }).secrets) visit(name)
}

function visitContainerSecrets(container: AnyContainer, visit: (name: string, how: string) => void): void {
  for (const { name, valueFrom } of container.env ?? [])
    if (valueFrom?.secretKeyRef?.name) visit(valueFrom.secretKeyRef.name, `envVar ${name}`)
  for (const { secretRef } of container.envFrom ?? []) if (secretRef?.name) visit(secretRef.name, 'envFrom')
}
