import type * as core from '../types/core-v1.gen.ts'

/**
 * One walk over everything in a pod that admission, authorization and the node must not overlook: containers of all kinds, and all
 * names of other objects. Whoever forgets a kind of container has a hole; so nobody writes this loop again.
 */
export const CONTAINER_KINDS = ['init', 'regular', 'ephemeral'] as const
export type ContainerKind = (typeof CONTAINER_KINDS)[number]
/** Where containers of a kind stand in a pod's spec. */
export const CONTAINER_FIELDS = { init: 'initContainers', regular: 'containers', ephemeral: 'ephemeralContainers' } as const
/** Where a pod's status speaks of them, in the order in which Kubernetes judges what it says. */
export const STATUS_LISTS = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const
export type AnyContainer = core.Container | core.EphemeralContainer

type PodSpec = core.PodSpec
type PartialSpec = Pick<PodSpec, 'initContainers' | 'ephemeralContainers'> & {
  readonly containers?: readonly core.Container[] | null | undefined
}

/** Init containers first, then the regular ones, then the ephemeral ones; `index` counts within the kind. */
export function visitContainers(
  spec: PartialSpec | undefined,
  visit: (container: AnyContainer, kind: ContainerKind, index: number) => void,
): void {
  spec?.initContainers?.forEach((container, index) => visit(container, 'init', index))
  spec?.containers?.forEach((container, index) => visit(container, 'regular', index))
  spec?.ephemeralContainers?.forEach((container, index) => visit(container, 'ephemeral', index))
}

export function allContainers(spec: PartialSpec | undefined): readonly AnyContainer[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])]
}

/** Names of objects in the pod's namespace that a pod lets its node read, or that must be there for it to run. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
  /** Claims by name; those of ephemeral volumes are named after the pod. */
  readonly claims: ReadonlySet<string>
  readonly serviceAccount: string
  readonly resourceClaims: ReadonlySet<string>
  /** Whether a volume projects a cluster trust bundle or a pod certificate. */
  readonly trustBundles: boolean
  readonly podCertificates: boolean
}

export function podReferences(
  pod:
    | core.Pod
    | { readonly metadata?: core.Pod['metadata']; readonly spec?: PodSpec | undefined; readonly status?: core.PodStatus | undefined },
): PodReferences {
  const secrets = new Set<string>()
  const configMaps = new Set<string>()
  const claims = new Set<string>()
  const resourceClaims = new Set<string>()
  const found: Found = {
    secret: (name) => name && secrets.add(name),
    configMap: (name) => name && configMaps.add(name),
    claim: (name) => name && claims.add(name),
    trustBundles: false,
    podCertificates: false,
  }
  const { spec } = pod
  for (const { name } of spec?.imagePullSecrets ?? []) found.secret(name)
  for (const container of allContainers(spec)) visitEnvironment(container, found)
  for (const volume of spec?.volumes ?? []) visitVolume(volume, pod.metadata?.name ?? '', found)
  for (const claim of spec?.resourceClaims ?? []) if (claim.resourceClaimName) resourceClaims.add(claim.resourceClaimName)
  for (const claim of pod.status?.resourceClaimStatuses ?? []) if (claim.resourceClaimName) resourceClaims.add(claim.resourceClaimName)
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
  if (extended) resourceClaims.add(extended)
  const { trustBundles, podCertificates } = found
  return { secrets, configMaps, claims, resourceClaims, serviceAccount: spec?.serviceAccountName ?? '', trustBundles, podCertificates }
}

interface Found {
  secret(name: string | undefined): unknown
  configMap(name: string | undefined): unknown
  claim(name: string | undefined): unknown
  trustBundles: boolean
  podCertificates: boolean
}

function visitEnvironment(container: AnyContainer, found: Found): void {
  for (const { valueFrom } of container.env ?? []) {
    found.secret(valueFrom?.secretKeyRef?.name)
    found.configMap(valueFrom?.configMapKeyRef?.name)
  }
  for (const { secretRef, configMapRef } of container.envFrom ?? []) {
    found.secret(secretRef?.name)
    found.configMap(configMapRef?.name)
  }
}

function visitVolume(volume: core.Volume, podName: string, found: Found): void {
  found.secret(volume.secret?.secretName)
  found.secret(volume.azureFile?.secretName)
  found.secret(volume.csi?.nodePublishSecretRef?.name)
  for (const source of [volume.cephfs, volume.cinder, volume.flexVolume, volume.iscsi, volume.rbd, volume.scaleIO, volume.storageos]) {
    found.secret(source?.secretRef?.name)
  }
  found.configMap(volume.configMap?.name)
  found.claim(volume.persistentVolumeClaim?.claimName)
  if (volume.ephemeral) found.claim(`${podName}-${volume.name}`)
  for (const source of volume.projected?.sources ?? []) {
    found.secret(source.secret?.name)
    found.configMap(source.configMap?.name)
    if (source.clusterTrustBundle) found.trustBundles = true
    if (source.podCertificate) found.podCertificates = true
  }
}

/** A pod that the node itself made for a static pod file: it is shown in the API, not run from it. */
export const MIRROR_POD_ANNOTATION = 'kubernetes.io/config.mirror'
export const isMirrorPod = (pod: { readonly metadata?: core.Pod['metadata'] }): boolean =>
  pod.metadata?.annotations?.[MIRROR_POD_ANNOTATION] !== undefined
