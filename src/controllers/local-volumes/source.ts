import type { Scope } from '#base'
import { type core, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { LOCAL_DRIVER, type VolumeWish } from './node-storage.ts'
import { handleOf, nodeOfVolume } from './plan-provision.ts'
import { placeOfSnapshot } from './plan-snapshot.ts'
import { boundContent } from './snapshot-kinds.ts'

/** What a claim is to be a copy of, and where that is. */
export interface Source {
  readonly of: NonNullable<VolumeWish['source']>
  readonly node: string
}

/** Undefined: the claim wants an empty volume. */
export async function sourceOfClaim(
  scope: Scope,
  client: Client,
  { metadata, spec }: core.PersistentVolumeClaim,
): Promise<Source | { readonly problem: string } | undefined> {
  const named = spec?.dataSourceRef ?? spec?.dataSource
  if (named === undefined) return undefined
  const { kind, name } = named
  const apiGroup = named.apiGroup ?? ''
  const namespace = metadata?.namespace ?? ''
  if (spec?.dataSourceRef?.namespace !== undefined && spec.dataSourceRef.namespace !== namespace)
    return { problem: 'dataSourceRef.namespace: data of other namespaces is not copied' }
  if (kind === 'PersistentVolumeClaim' && apiGroup === '') return sourceClaim(scope, client, namespace, name)
  if (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io') return sourceSnapshot(scope, client, namespace, name)
  return { problem: `a ${apiGroup === '' ? kind : `${kind} of ${apiGroup}`} cannot be the source of a volume` }
}

async function sourceClaim(scope: Scope, client: Client, namespace: string, name: string): Promise<Source | { readonly problem: string }> {
  const claim = await unlessMissing(client.resource(refs.persistentvolumeclaims).get(scope, { namespace, name }))
  if (claim?.status?.phase !== 'Bound') return { problem: `the source claim ${name} is ${claim === undefined ? 'not there' : 'not bound'}` }
  const volume = await unlessMissing(client.resource(refs.persistentvolumes).get(scope, { name: claim.spec?.volumeName ?? '' }))
  if (volume?.spec?.csi?.driver !== LOCAL_DRIVER || volume.spec.claimRef?.uid !== claim.metadata?.uid)
    return { problem: `the source claim ${name} has a volume of another driver` }
  return { of: { volume: handleOf(volume) }, node: nodeOfVolume(volume) }
}

async function sourceSnapshot(
  scope: Scope,
  client: Client,
  namespace: string,
  name: string,
): Promise<Source | { readonly problem: string }> {
  const content = await boundContent(scope, client, namespace, name)
  if (content?.status?.readyToUse !== true) return { problem: `snapshot ${name} is ${content === undefined ? 'not there' : 'not ready'}` }
  if (content.spec.driver !== LOCAL_DRIVER) return { problem: `snapshot ${name} is of the driver ${content.spec.driver}` }
  const { node, id } = placeOfSnapshot(content.status.snapshotHandle ?? '')
  return { of: { snapshot: id }, node }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
