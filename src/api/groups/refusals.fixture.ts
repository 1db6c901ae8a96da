import type { FieldErrors } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import type { Resource } from '../resource.ts'

/** What a kind refuses of a new object: `path: message`, in order. The object is defaulted and prepared as the server does it. */
export function refusals<T extends KubeObject>(resource: Resource<T>, object: T): readonly string[] {
  const draft = created(resource, object)
  return errorsOf((errors) => resource.strategy.validate?.(draft, errors))
}

/** What it refuses of a change to an object as it was created. */
export function changeRefusals<T extends KubeObject>(resource: Resource<T>, object: T, change: (draft: T) => void): readonly string[] {
  const old = created(resource, object)
  const draft = structuredClone(old)
  change(draft)
  resource.strategy.prepareForUpdate?.(draft, old, '2026-01-01T00:00:01Z')
  return errorsOf((errors) => resource.strategy.validateUpdate?.(draft, old, errors))
}

/** What it refuses of a status that somebody writes over another one. */
export function statusRefusals<T extends KubeObject>(resource: Resource<T>, old: T, draft: T): readonly string[] {
  const { status } = resource.subresources
  return errorsOf((errors) => status?.type === 'status' && status.validateUpdate?.(draft, old, errors))
}

export function created<T extends KubeObject>(resource: Resource<T>, object: T): T {
  const draft = structuredClone(object)
  resource.strategy.defaults?.(draft)
  resource.strategy.prepareForCreate?.(draft, { name: 'tester', groups: ['system:authenticated'], extra: {} }, '2026-01-01T00:00:00Z')
  return draft
}

function errorsOf(check: (errors: FieldErrors) => unknown): readonly string[] {
  const errors: FieldErrors = []
  check(errors)
  return errors.map(({ field, message }) => `${field}: ${message}`)
}
