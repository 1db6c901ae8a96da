import { type KubeObject, type ResourceRef, type core, type networking, refs } from '#api'
import type { AdmissionStep, ObjectReader } from '../contract.ts'
import { isAbout } from './refuse.ts'

const DEFAULT_STORAGE = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'] as const
const OLD_STORAGE_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const DEFAULT_INGRESS = ['ingressclass.kubernetes.io/is-default-class'] as const
const OLD_INGRESS_ANNOTATION = 'kubernetes.io/ingress.class'

/** A claim that names no class gets the default one; naming the empty class means none. */
export function defaultStorageClass(reader: ObjectReader): AdmissionStep {
  return {
    name: 'DefaultStorageClass',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, '', 'persistentvolumeclaims'),
    mutate(_scope, request) {
      const claim = request.object as core.PersistentVolumeClaim
      const named = claim.spec?.storageClassName ?? claim.metadata?.annotations?.[OLD_STORAGE_ANNOTATION]
      const name = named === undefined ? newestDefault(reader, refs.storageclasses, DEFAULT_STORAGE) : undefined
      if (name !== undefined) claim.spec = { ...claim.spec, storageClassName: name }
    },
  }
}

export function defaultIngressClass(reader: ObjectReader): AdmissionStep {
  return {
    name: 'DefaultIngressClass',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, 'networking.k8s.io', 'ingresses'),
    mutate(_scope, request) {
      const ingress = request.object as networking.Ingress
      const named = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.[OLD_INGRESS_ANNOTATION]
      const name = named === undefined ? newestDefault(reader, refs.ingressclasses, DEFAULT_INGRESS) : undefined
      if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name }
    },
  }
}

/** Of several the newest, then the first by name: a new default takes over when it is marked, before the old one is unmarked. */
function newestDefault<T extends KubeObject>(
  reader: ObjectReader,
  ref: ResourceRef<T>,
  annotations: readonly string[],
): string | undefined {
  const defaults = reader
    .list(ref)
    .filter(({ metadata }) => annotations.some((annotation) => metadata?.annotations?.[annotation] === 'true'))
  const createdMs = ({ metadata }: T): number => Date.parse(metadata?.creationTimestamp ?? '')
  const [newest] = defaults.sort((a, b) => createdMs(b) - createdMs(a) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  return newest?.metadata?.name
}
