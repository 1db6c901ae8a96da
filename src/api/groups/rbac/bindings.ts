import { type ResourceRules, defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { ClusterRoleBinding, RoleBinding, RoleRef, Subject } from '../../types/rbac-v1.gen.ts'
import { nameIsDnsSubdomain, nameIsPathSegment } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const GROUP = 'rbac.authorization.k8s.io'
type Binding = RoleBinding | ClusterRoleBinding

export const roleBindings = defineResource(refs.rolebindings, rulesOfBinding(true))
export const clusterRoleBindings = defineResource(refs.clusterrolebindings, rulesOfBinding(false))

function rulesOfBinding<T extends Binding>(namespaced: boolean): ResourceRules<T> {
  const validate = (binding: T, errors: FieldErrors): void => {
    validateRoleRef(binding.roleRef, namespaced, errors)
    binding.subjects?.forEach((subject, at) => validateSubject(subject, namespaced, Path.of('subjects').index(at), errors))
  }
  return {
    strategy: {
      validateName: nameIsPathSegment,
      createOnUpdate: true,
      defaults: setDefaults,
      validate,
      validateUpdate(binding, old, errors) {
        validate(binding, errors)
        validateSameRole(binding.roleRef, old.roleRef, errors)
      },
    },
    columns: {
      Role: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
      Users: (binding) => namesOf(binding, 'User', ({ name }) => name),
      Groups: (binding) => namesOf(binding, 'Group', ({ name }) => name),
      ServiceAccounts: (binding) => namesOf(binding, 'ServiceAccount', ({ namespace, name }) => `${namespace ?? ''}/${name}`),
    },
  }
}

function namesOf(binding: Binding, kind: string, show: (subject: Subject) => string): string {
  const subjects = binding.subjects ?? []
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(show)
    .join(', ')
}

function setDefaults(binding: Binding): void {
  binding.roleRef ??= { apiGroup: '', kind: '', name: '' }
  if (!binding.roleRef.apiGroup) binding.roleRef.apiGroup = GROUP
  // On the wire nobody and an empty list are the same.
  if (binding.subjects?.length === 0) delete binding.subjects
  for (const subject of binding.subjects ?? []) {
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = GROUP
  }
}

function validateRoleRef({ apiGroup = '', kind = '', name = '' }: RoleRef, namespaced: boolean, errors: FieldErrors): void {
  const path = Path.of('roleRef')
  if (apiGroup !== GROUP) errors.push(fieldError.notSupported(path.child('apiGroup'), apiGroup, [GROUP]))
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (!kinds.includes(kind)) errors.push(fieldError.notSupported(path.child('kind'), kind, kinds))
  if (name === '') errors.push(fieldError.required(path.child('name')))
  else invalidText(name, nameIsPathSegment(name, false), path.child('name'), errors)
}

function validateSubject(subject: Subject, namespaced: boolean, path: Path, errors: FieldErrors): void {
  const { kind, name = '', namespace = '', apiGroup = '' } = subject
  if (!name) errors.push(fieldError.required(path.child('name')))
  switch (kind) {
    case 'ServiceAccount':
      if (name) invalidText(name, nameIsDnsSubdomain(name, false), path.child('name'), errors)
      if (apiGroup !== '') errors.push(fieldError.notSupported(path.child('apiGroup'), apiGroup, ['']))
      if (!namespaced && namespace === '') errors.push(fieldError.required(path.child('namespace')))
      break
    case 'User':
    case 'Group':
      if (apiGroup !== GROUP) errors.push(fieldError.notSupported(path.child('apiGroup'), apiGroup, [GROUP]))
      break
    default:
      errors.push(fieldError.notSupported(path.child('kind'), kind ?? '', ['ServiceAccount', 'User', 'Group']))
  }
}

/** Shown under the field names of the server that these words come from. */
function validateSameRole(roleRef: RoleRef, old: RoleRef, errors: FieldErrors): void {
  if (roleRef.apiGroup === old.apiGroup && roleRef.kind === old.kind && roleRef.name === old.name) return
  const shown = { APIGroup: roleRef.apiGroup, Kind: roleRef.kind, Name: roleRef.name }
  errors.push(fieldError.invalid(Path.of('roleRef'), shown, 'cannot change roleRef'))
}
