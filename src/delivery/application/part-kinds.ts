import { type KubeObject, type ResourceRef, refs } from '#api'
import { applicationRef, revisionRef } from './objects.ts'

/** A kind that applications are made of. */
export interface PartKind {
  readonly ref: ResourceRef
  /** Its state is looked at. Secrets are not: to watch some of them is to be allowed to read all. */
  readonly isFollowed: boolean
  /** Stays when the application is rolled back or deleted. */
  readonly holdsData: boolean
  /** A way in from outside: not there while the application is stopped. */
  readonly isRoute: boolean
  /** Runs pods: applied behind all that its pods may need, and in the order of dependencies. */
  readonly isWorkload: boolean
}

const plain = { isFollowed: true, holdsData: false, isRoute: false, isWorkload: false }
const workload = { ...plain, isWorkload: true }

/**
 * In the order in which they are applied. All are kinds of one namespace that the default role `edit` may write: who may write an
 * Application gets nothing by it that its author may not do beside it.
 */
export const PART_KINDS: readonly PartKind[] = [
  { ...plain, ref: refs.serviceaccounts },
  { ...plain, ref: refs.configmaps },
  { ...plain, ref: refs.secrets, isFollowed: false },
  { ...plain, ref: refs.persistentvolumeclaims, holdsData: true },
  { ...plain, ref: refs.networkpolicies },
  { ...plain, ref: refs.services },
  { ...plain, ref: refs.poddisruptionbudgets },
  { ...workload, ref: refs.statefulsets },
  { ...workload, ref: refs.daemonsets },
  { ...workload, ref: refs.deployments },
  { ...workload, ref: refs.jobs },
  { ...workload, ref: refs.cronjobs },
  { ...plain, ref: refs.horizontalpodautoscalers },
  { ...plain, ref: refs.ingresses, isRoute: true },
]

/** Why some kinds are no parts, for those who try. */
const BESIDE: Readonly<Record<string, string>> = {
  Pod: 'a pod cannot be suspended and comes back nowhere: use a Deployment',
  ReplicaSet: 'use a Deployment',
  ReplicationController: 'use a Deployment',
  Namespace: 'an application lives in one namespace, which is there before it',
  Role: 'rights are given by an administrator, not with an application',
  RoleBinding: 'rights are given by an administrator, not with an application',
  [applicationRef.kind]: 'applications have no applications in them',
  [revisionRef.kind]: 'revisions are made by Sampan',
}

const byKind: ReadonlyMap<string, PartKind> = new Map(PART_KINDS.map((kind) => [kind.ref.kind, kind]))

/** By kind and group; the version is the object's own. */
export function partKindOf(object: KubeObject): PartKind | undefined {
  const found = byKind.get(object.kind ?? '')
  const [group, version] = groupAndVersion(object.apiVersion ?? '')
  if (found === undefined || found.ref.group !== group) return undefined
  return found.ref.version === version ? found : { ...found, ref: { ...found.ref, version } }
}

/** As `partKindOf`, for what is known to be a part. */
export function partRef(object: KubeObject): ResourceRef {
  const kind = partKindOf(object)
  if (kind === undefined) throw new RangeError(whyNoPart(object))
  return kind.ref
}

export function whyNoPart({ apiVersion = '', kind = '' }: KubeObject): string {
  return `${kind} of ${apiVersion} is no part of applications: ${BESIDE[kind] ?? 'apply it beside the application'}`
}

function groupAndVersion(apiVersion: string): readonly [string, string] {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}

/** `Deployment/web`: what a part is called within its application. No two kinds of the table have one name. */
export const partId = ({ kind, metadata }: KubeObject): string => `${kind ?? ''}/${metadata?.name ?? ''}`
