import { type KubeObject, apiVersionOf } from '#api'
import { controllerOf } from '#reconcile'
import { APPLICATION_LABEL, PLATFORM_GROUP } from '../platform/group.ts'
import { type Application, applicationRef } from './objects.ts'
import { partId } from './part-kinds.ts'

/** The revision that a part was last brought to. */
export const REVISION_MARK = 'sampan.io/revision'

const HELM_RELEASE = 'meta.helm.sh/release-name'

/** What an application is to do about an object that has the name of one of its parts. */
export type Ownership =
  | { readonly kind: 'ours' }
  /** Nobody's: it becomes a part. */
  | { readonly kind: 'adopt' }
  /** It is going away. */
  | { readonly kind: 'wait'; readonly why: string }
  | { readonly kind: 'refuse'; readonly why: string }

/** `live` is what the server has, with its owners and labels. Data has no owner, so that nothing removes it: there the label alone decides. */
export function ownershipOf(live: KubeObject, application: Application, holdsData: boolean): Ownership {
  const { name = '', uid } = application.metadata ?? {}
  const { labels = {}, annotations = {}, deletionTimestamp } = live.metadata ?? {}
  const owner = controllerOf(live)
  const belongs = (to: string): Ownership => ({ kind: 'refuse', why: `${partId(live)} belongs to ${to}` })
  const labelled = labels[APPLICATION_LABEL]
  if (labelled !== undefined && labelled !== name) return belongs(`application ${labelled}`)
  if (owner !== undefined && owner.uid !== uid) {
    const isFormer = owner.kind === applicationRef.kind && owner.apiVersion.startsWith(`${PLATFORM_GROUP}/`) && owner.name === name
    return isFormer
      ? { kind: 'wait', why: `${partId(live)} of a former application ${name} is going` }
      : belongs(`${owner.kind} ${owner.name}`)
  }
  if (deletionTimestamp !== undefined) return { kind: 'wait', why: `${partId(live)} is going` }
  if (owner !== undefined || (holdsData && labelled === name)) return { kind: 'ours' }
  const release = annotations[HELM_RELEASE]
  if (release !== undefined && labels['app.kubernetes.io/managed-by'] === 'Helm') return belongs(`Helm release ${release}`)
  return { kind: 'adopt' }
}

/** Whether what is not wanted any more may be removed: only what has this very application as its owner. */
export const isOwnPart = (live: KubeObject, application: Application): boolean =>
  controllerOf(live)?.uid === application.metadata?.uid && live.metadata?.labels?.[APPLICATION_LABEL] === application.metadata?.name

/** An object as it is applied: marked as part of the application at this revision. */
export function asPart(object: KubeObject, application: Application, revision: number, holdsData: boolean): KubeObject {
  const { name = '', uid = '' } = application.metadata ?? {}
  const owner = {
    apiVersion: apiVersionOf(applicationRef),
    kind: applicationRef.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  }
  const { labels, annotations, ...metadata } = object.metadata ?? {}
  return {
    ...object,
    metadata: {
      ...metadata,
      namespace: application.metadata?.namespace,
      labels: { ...labels, [APPLICATION_LABEL]: name },
      annotations: { ...annotations, [REVISION_MARK]: String(revision) },
      ...(holdsData ? {} : { ownerReferences: [owner] }),
    },
  }
}
