import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { RuleWithOperations } from '../../types/admissionregistration-v1.gen.ts'
import { validateEnum } from '../../validation/values.ts'

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']

/** Which requests a webhook or a policy is asked about. */
export function validateRule(rule: RuleWithOperations, path: Path, errors: FieldErrors): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule
  validateList(operations, 'operations', path.child('operations'), errors)
  operations.forEach((operation, at) => {
    if (!OPERATIONS.includes(operation)) errors.push(fieldError.notSupported(path.child('operations').index(at), operation, OPERATIONS))
  })
  validateList(apiGroups, 'API groups', path.child('apiGroups'), errors)
  validateList(apiVersions, 'API versions', path.child('apiVersions'), errors)
  apiVersions.forEach((version, at) => {
    if (version === '') errors.push(fieldError.required(path.child('apiVersions').index(at)))
  })
  validateResources(resources, path.child('resources'), errors)
  if (scope === '') errors.push(fieldError.notSupported(path.child('scope'), scope, SCOPES))
  else validateEnum(scope, SCOPES, path.child('scope'), errors)
}

function validateList(values: readonly string[], what: string, path: Path, errors: FieldErrors): void {
  if (values.length === 0) errors.push(fieldError.required(path))
  if (values.length > 1 && values.includes('*'))
    errors.push(fieldError.invalid(path, values, `if '*' is present, must not specify other ${what}`))
}

/** Nothing is named twice: neither `pods/log` beside `pods/*`, nor anything beside `*\/*`. */
function validateResources(resources: readonly string[], path: Path, errors: FieldErrors): void {
  if (resources.length === 0) errors.push(fieldError.required(path))
  const allOf = new Set<string>()
  const ofAll = new Set<string>()
  let namesOne = false
  resources.forEach((text, at) => {
    const slash = text.indexOf('/')
    if (text === '') errors.push(fieldError.required(path.index(at)))
    else if (slash === -1) namesOne = text !== '*'
    else {
      const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)]
      const refuse = (other: string): unknown =>
        errors.push(fieldError.invalid(path.index(at), text, `if '${other}' is present, must not specify ${text}`))
      if (allOf.has(resource)) refuse(`${resource}/*`)
      if (ofAll.has(subresource)) refuse(`*/${subresource}`)
      if (subresource === '*') allOf.add(resource)
      if (resource === '*') ofAll.add(subresource)
    }
  })
  if (resources.length > 1 && resources.includes('*/*'))
    errors.push(fieldError.invalid(path, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes('*') && namesOne)
    errors.push(fieldError.invalid(path, resources, "if '*' is present, must not specify other resources without subresources"))
}
