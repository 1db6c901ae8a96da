import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, type core, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { APPLICATION_LABEL } from '../platform/group.ts'
import { objectsOfBundle } from './manifests.ts'
import { type Application, type ApplicationRevision, applicationRef, revisionRef } from './objects.ts'

export const revisionName = (application: string, revision: number): string => `${application}-${revision}`
/** Where the contents of a revision's Secrets are. No Secret that people make is called so by accident. */
export const sealedName = (revision: string): string => `${revision}.sealed`
export const SEALED_TYPE = 'delivery.sampan.io/revision'

/** A revision with all that belongs to it. */
export interface WholeRevision {
  readonly revision: ApplicationRevision
  readonly objects: readonly KubeObject[]
  readonly sealed: Readonly<Record<string, string>>
}

/** Undefined: there is none of this number. `incomplete`: the contents of its Secrets are not there. `unreadable`: it was written by hand, and wrongly. */
export async function readRevision(
  scope: Scope,
  client: Client,
  application: { readonly namespace: string; readonly name: string },
  number: number,
): Promise<WholeRevision | 'incomplete' | 'unreadable' | undefined> {
  const { namespace } = application
  const name = revisionName(application.name, number)
  const revision = await ifThere(client.resource(revisionRef).get(scope, { namespace, name }))
  if (revision === undefined || revision.spec.application !== application.name) return undefined
  const secret =
    revision.spec.sealed === 0 ? undefined : await ifThere(client.resource(refs.secrets).get(scope, { namespace, name: sealedName(name) }))
  const sealed = textsOf(secret)
  if (Object.keys(sealed).length !== revision.spec.sealed) return 'incomplete'
  try {
    return { revision, sealed, objects: objectsOfBundle({ manifests: revision.spec.manifests, sealed }) }
  } catch {
    return 'unreadable'
  }
}

const textsOf = (secret: core.Secret | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))

export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const NUMBER = /^.*-([1-9]\d{0,15})$/

/** The number in a revision's name. */
export const numberOf = ({ metadata }: KubeObject): number => Number(NUMBER.exec(metadata?.name ?? '')?.[1] ?? 0)

/** Of the revisions that are there, those that nobody needs any more, once the parts are at the present one: older ones beyond the limit. Pure. */
export function planPruning<T extends KubeObject>(revisions: readonly T[], present: number, limit: number): readonly T[] {
  const newestFirst = revisions.toSorted((a, b) => numberOf(b) - numberOf(a))
  // A newer one may be on its way to be wanted.
  return newestFirst.filter((one) => numberOf(one) < present).slice(limit)
}

/** All revisions of an application, without what is in them. */
export async function listRevisions(
  scope: Scope,
  client: Client,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<readonly KubeObject[]> {
  const { items } = await client
    .metadata(revisionRef as ResourceRef)
    .list(scope, { namespace, labelSelector: `${APPLICATION_LABEL}=${name}` })
  return items
}

/** Makes the application own a revision, so that it goes with it. */
export function ownedBy({ metadata }: Application): object {
  const owner = {
    apiVersion: `${applicationRef.group}/${applicationRef.version}`,
    kind: applicationRef.kind,
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
  }
  return { metadata: { ownerReferences: [owner] } }
}
