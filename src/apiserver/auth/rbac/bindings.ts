import { type rbac, refs } from '#api'
import type { ObjectReader, UserInfo } from '../../contract.ts'
import { serviceAccountUserName } from '../users.ts'

type Binding = rbac.RoleBinding | rbac.ClusterRoleBinding

/** A binding as one of its subjects sees it. */
export interface Grant {
  readonly binding: Binding
  readonly subject: rbac.Subject
}

/** Which bindings name a user or one of its groups. */
export interface Subjects {
  readonly users: ReadonlyMap<string, readonly Grant[]>
  readonly groups: ReadonlyMap<string, readonly Grant[]>
}

/** All bindings by subject: those of the cluster, and those of each namespace. */
export interface BindingIndex {
  readonly cluster: Subjects
  readonly namespaces: ReadonlyMap<string, Subjects>
}

interface OpenSubjects {
  readonly users: Map<string, Grant[]>
  readonly groups: Map<string, Grant[]>
}
const open = (): OpenSubjects => ({ users: new Map(), groups: new Map() })

export function indexBindings(reader: ObjectReader): BindingIndex {
  const cluster = open()
  for (const binding of reader.list(refs.clusterrolebindings)) add(cluster, binding, '')
  const namespaces = new Map<string, OpenSubjects>()
  for (const binding of reader.list(refs.rolebindings)) {
    const namespace = binding.metadata?.namespace ?? ''
    let subjects = namespaces.get(namespace)
    if (subjects === undefined) namespaces.set(namespace, (subjects = open()))
    add(subjects, binding, namespace)
  }
  return { cluster, namespaces }
}

function add(into: OpenSubjects, binding: Binding, namespace: string): void {
  for (const subject of binding.subjects ?? []) {
    const key = subjectKey(subject, namespace)
    if (key === undefined) continue
    const map = subject.kind === 'Group' ? into.groups : into.users
    const grants = map.get(key)
    if (grants === undefined) map.set(key, [{ binding, subject }])
    else grants.push({ binding, subject })
  }
}

/** A service account without a namespace is one of the binding's. */
function subjectKey(subject: rbac.Subject, bindingNamespace: string): string | undefined {
  if (subject.kind === 'User' || subject.kind === 'Group') return subject.name
  if (subject.kind !== 'ServiceAccount') return undefined
  const namespace = subject.namespace ? subject.namespace : bindingNamespace
  return namespace === '' ? undefined : serviceAccountUserName(namespace, subject.name)
}

/** The grants for a user, each binding once, in the order of the bindings' names. */
export function grantsFor(subjects: Subjects | undefined, user: UserInfo): readonly Grant[] {
  if (subjects === undefined) return []
  const found = [...(subjects.users.get(user.name) ?? [])]
  for (const group of user.groups) found.push(...(subjects.groups.get(group) ?? []))
  const seen = new Set<Binding>()
  const once = found.filter(({ binding }) => !seen.has(binding) && seen.add(binding))
  return once.sort((a, b) => ((a.binding.metadata?.name ?? '') < (b.binding.metadata?.name ?? '') ? -1 : 1))
}
