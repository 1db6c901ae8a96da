import type { ResourceStorage } from '../resource.ts'

interface Identity {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
}

/** Where kube-apiserver keeps kinds under another name than their plural. */
const SPECIAL_PREFIXES: Readonly<Record<string, string>> = {
  '/endpoints': '/registry/services/endpoints',
  '/nodes': '/registry/minions',
  '/replicationcontrollers': '/registry/controllers',
  '/services': '/registry/services/specs',
  'networking.k8s.io/ingresses': '/registry/ingress',
}

/** Groups that are served by layers of their own in kube-apiserver keep their name in the key, as custom resources do. */
const PREFIXED_GROUPS: readonly string[] = ['apiextensions.k8s.io', 'apiregistration.k8s.io']

/** Kinds that are stored as another version or kind than the one served. */
const STORED_AS: Readonly<Record<string, { readonly group: string; readonly version: string; readonly kind: string }>> = {
  'autoscaling/v1/horizontalpodautoscalers': { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler' },
  'events.k8s.io/v1/events': { group: '', version: 'v1', kind: 'Event' },
}

/** The place of a built-in kind in the store: the layout of kube-apiserver, so that either can open the other's etcd. */
export function builtInStorage({ group, version, kind, plural }: Identity): ResourceStorage {
  const stored = STORED_AS[`${group}/${version}/${plural}`] ?? { group, version, kind }
  const prefix =
    SPECIAL_PREFIXES[`${group}/${plural}`] ?? (PREFIXED_GROUPS.includes(group) ? `/registry/${group}/${plural}` : `/registry/${plural}`)
  return { prefix, ...stored }
}
