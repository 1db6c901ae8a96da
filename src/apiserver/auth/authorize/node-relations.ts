import { type KubeObject, type PodReferences, type ResourceRef, type core, isMirrorPod, podReferences, refs } from '#api'
import type { ObjectReader } from '../../contract.ts'

/**
 * What a node may read because of the pods that are bound to it. Computed from the node's own pods (about a hundred) each time;
 * what a pod refers to is computed once for each version of the pod.
 */
export interface NodeRelations {
  secret(node: string, namespace: string, name: string): boolean
  configMap(node: string, namespace: string, name: string): boolean
  claim(node: string, namespace: string, name: string): boolean
  volume(node: string, name: string): boolean
  attachment(node: string, name: string): boolean
  resourceClaim(node: string, namespace: string, name: string): boolean
  serviceAccount(node: string, namespace: string, name: string): boolean
  pod(node: string, namespace: string, name: string): boolean
  resourceSlice(node: string, name: string): boolean
}

export function nodeRelations(reader: ObjectReader): NodeRelations {
  const references = new WeakMap<core.Pod, PodReferences>()
  const referencesOf = (pod: core.Pod): PodReferences => {
    let known = references.get(pod)
    if (known === undefined) references.set(pod, (known = podReferences(pod)))
    return known
  }
  /** Mirror pods refer to nothing: a node writes them itself. */
  const some = (node: string, namespace: string, test: (refers: PodReferences, pod: core.Pod) => boolean): boolean =>
    podsOf(reader, node).some((pod) => pod.metadata?.namespace === namespace && !isMirrorPod(pod) && test(referencesOf(pod), pod))
  const claim = (node: string, namespace: string, name: string): boolean => some(node, namespace, ({ claims }) => claims.has(name))

  return {
    secret: (node, namespace, name) =>
      some(node, namespace, ({ secrets }) => secrets.has(name)) ||
      volumesOf(reader, node, referencesOf).some((volume) => mentionsSecret(volume, namespace, name)),
    configMap: (node, namespace, name) => some(node, namespace, ({ configMaps }) => configMaps.has(name)),
    claim,
    volume(node, name) {
      const bound = reader.get(refs.persistentvolumes, '', name)?.spec?.claimRef
      return bound !== undefined && bound.name !== undefined && claim(node, bound.namespace ?? '', bound.name)
    },
    attachment: (node, name) => reader.get(refs.volumeattachments, '', name)?.spec.nodeName === node,
    resourceClaim: (node, namespace, name) => some(node, namespace, ({ resourceClaims }) => resourceClaims.has(name)),
    serviceAccount: (node, namespace, name) => some(node, namespace, ({ serviceAccount }) => serviceAccount === name),
    pod: (node, namespace, name) => reader.get(refs.pods, namespace, name)?.spec?.nodeName === node,
    resourceSlice: (node, name) => reader.get(refs.resourceslices, '', name)?.spec.nodeName === node,
  }
}

const podsOf = (reader: ObjectReader, node: string): readonly core.Pod[] =>
  select(reader, refs.pods, 'spec.nodeName', node, (pod) => pod.spec?.nodeName)

function select<T extends KubeObject>(
  reader: ObjectReader,
  ref: ResourceRef<T>,
  field: string,
  value: string,
  read: (object: T) => string | undefined,
): readonly T[] {
  return reader.select?.(ref, field, value) ?? reader.list(ref).filter((object) => read(object) === value)
}

/** The persistent volumes that the node's pods use. */
function volumesOf(reader: ObjectReader, node: string, referencesOf: (pod: core.Pod) => PodReferences): readonly core.PersistentVolume[] {
  const volumes: core.PersistentVolume[] = []
  for (const pod of podsOf(reader, node)) {
    if (isMirrorPod(pod)) continue
    const namespace = pod.metadata?.namespace ?? ''
    for (const name of referencesOf(pod).claims) {
      const volumeName = reader.get(refs.persistentvolumeclaims, namespace, name)?.spec?.volumeName
      const volume = volumeName === undefined ? undefined : reader.get(refs.persistentvolumes, '', volumeName)
      const bound = volume?.spec?.claimRef
      // A claim may name any volume: only the volume's own word counts.
      if (volume !== undefined && bound?.name === name && bound.namespace === namespace) volumes.push(volume)
    }
  }
  return volumes
}

/** Whether a volume lets its node read this secret. A reference without a namespace means the one of the claim. */
function mentionsSecret({ spec }: core.PersistentVolume, namespace: string, name: string): boolean {
  const home = spec?.claimRef?.namespace ?? ''
  const named = [
    spec?.cephfs?.secretRef,
    spec?.cinder?.secretRef,
    spec?.flexVolume?.secretRef,
    spec?.iscsi?.secretRef,
    spec?.rbd?.secretRef,
    spec?.scaleIO?.secretRef,
    spec?.storageos?.secretRef,
    spec?.csi?.nodeStageSecretRef,
    spec?.csi?.nodePublishSecretRef,
    spec?.csi?.nodeExpandSecretRef,
    spec?.azureFile && { name: spec.azureFile.secretName, namespace: spec.azureFile.secretNamespace ?? undefined },
  ]
  return named.some((one) => one?.name === name && (one.namespace || home) === namespace)
}
