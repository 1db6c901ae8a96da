import { type Scope, SampanError } from '#base'
import { type OwnerReference, type apps, type core, isAlreadyExists, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { canonicalJson, sameOnWire } from './template-hash.ts'

/** The label by which pods and revisions tell the template that they are from. */
export const REVISION_HASH = 'controller-revision-hash'

/** The part of the owner's name that the name of a revision has room for. */
const LONGEST_PREFIX = 223

/** What a revision holds of its owner: the patch that brings the template back. */
export function revisionData(template: core.PodTemplateSpec): unknown {
  return { spec: { template: { ...template, $patch: 'replace' } } }
}

export function hashOfRevision(revision: apps.ControllerRevision): string {
  return revision.metadata?.labels?.[REVISION_HASH] ?? ''
}

export interface RevisionPlan {
  /** The revision that has the present template, where there is one. */
  readonly current: apps.ControllerRevision | undefined
  /** The number that the present template should have. */
  readonly number: number
}

/** A template that was there before gets the newest number again. */
export function planRevision(template: core.PodTemplateSpec, history: readonly apps.ControllerRevision[]): RevisionPlan {
  const data = canonicalJson(revisionData(template))
  const newestFirst = [...history].sort((a, b) => b.revision - a.revision)
  const current = newestFirst.find((revision) => canonicalJson(revision.data) === data)
  const highest = Math.max(0, ...history.filter((revision) => revision !== current).map(({ revision }) => revision))
  return { current, number: current !== undefined && current.revision > highest ? current.revision : highest + 1 }
}

/** Revisions that nothing uses, beyond the limit: the oldest. `used` names revisions by what `idOf` gives. */
export function planHistory(
  history: readonly apps.ControllerRevision[],
  used: ReadonlySet<string>,
  limit: number,
  idOf: (revision: apps.ControllerRevision) => string = hashOfRevision,
): readonly apps.ControllerRevision[] {
  const unused = history.filter((revision) => !used.has(idOf(revision)))
  return [...unused].sort((a, b) => a.revision - b.revision).slice(0, Math.max(0, unused.length - limit))
}

export interface RevisionOwner {
  readonly namespace: string
  readonly name: string
  readonly reference: OwnerReference
  readonly template: core.PodTemplateSpec
  /** Of what the revision holds. */
  readonly hash: (data: unknown) => string
  /** Copied to the revision: what `kubectl rollout history` tells of a change. */
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** The label of the revision that gets its hash. */
  readonly hashLabel: string
}

/** The name of the revision is taken by another template. The next one gets another hash. */
export class RevisionCollision extends SampanError {
  readonly code = 'REVISION_COLLISION'
}

/** Creates or renumbers the revision of the present template. */
export async function writeRevision(
  scope: Scope,
  client: Client,
  owner: RevisionOwner,
  plan: RevisionPlan,
): Promise<apps.ControllerRevision> {
  const revisions = client.resource(refs.controllerrevisions)
  const { current, number } = plan
  if (current !== undefined) return current.revision === number ? current : revisions.update(scope, { ...current, revision: number })
  // In the order in which kube-controller-manager writes it: clients compare it byte by byte with what they make of the template.
  const data = JSON.parse(canonicalJson(revisionData(owner.template))) as ReturnType<typeof revisionData>
  const hash = owner.hash(data)
  const name = `${owner.name.slice(0, LONGEST_PREFIX)}-${hash}`
  const labels = { ...owner.template.metadata?.labels, [owner.hashLabel]: hash }
  const annotations = owner.annotations === undefined ? {} : { annotations: { ...owner.annotations } }
  try {
    return await revisions.create(scope, {
      metadata: { namespace: owner.namespace, name, labels, ...annotations, ownerReferences: [owner.reference] },
      data,
      revision: number,
    })
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const present = await revisions.get(scope, { namespace: owner.namespace, name })
    if (sameOnWire(present.data, data)) return present
    throw new RevisionCollision(name)
  }
}

export async function deleteRevision(scope: Scope, client: Client, revision: apps.ControllerRevision): Promise<void> {
  try {
    await client
      .resource(refs.controllerrevisions)
      .delete(scope, { namespace: revision.metadata?.namespace, name: revision.metadata?.name ?? '' })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
