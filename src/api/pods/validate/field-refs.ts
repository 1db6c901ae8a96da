import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { compareQuantities } from '../../meta/quantity.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { isHugePageResource } from '../../validation/resources.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

/** References to a pod's own fields and resources, as variables and downward volumes have them. */

export interface ReferableFields {
  /** In the order of the messages. */
  readonly paths: readonly string[]
  /** Maps of which one key can be named: `metadata.labels['app']`. */
  readonly subscripts: readonly string[]
}

export const ENVIRONMENT_FIELDS: ReferableFields = {
  paths: [
    'metadata.name',
    'metadata.namespace',
    'metadata.uid',
    'spec.nodeName',
    'spec.serviceAccountName',
    'status.hostIP',
    'status.hostIPs',
    'status.podIP',
    'status.podIPs',
  ],
  subscripts: ['metadata.annotations', 'metadata.labels'],
}
export const VOLUME_FIELDS: ReferableFields = {
  paths: ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'],
  subscripts: ['metadata.annotations', 'metadata.labels'],
}
/** Field labels of a pod that the API server can convert. */
const KNOWN_LABELS: ReadonlySet<string> = new Set([
  ...ENVIRONMENT_FIELDS.paths,
  ...VOLUME_FIELDS.paths,
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.hostNetwork',
  'spec.host',
  'status.phase',
  'status.nominatedNodeName',
])

const SUBSCRIPT = /^(.+)\['(.*)'\]$/

export function validateFieldRef(reference: core.ObjectFieldSelector, fields: ReferableFields, path: Path, errors: FieldErrors): void {
  const { apiVersion = '', fieldPath = '' } = reference
  if (apiVersion === '') {
    errors.push(fieldError.required(path.child('apiVersion')))
    return
  }
  const at = path.child('fieldPath')
  if (fieldPath === '') {
    errors.push(fieldError.required(at))
    return
  }
  const unconvertible = (why: string): void => {
    errors.push(fieldError.invalid(at, fieldPath, `error converting fieldPath: ${why}`))
  }
  const [, map = '', key = ''] = (fieldPath.endsWith(']') ? SUBSCRIPT.exec(fieldPath) : null) ?? []
  if (apiVersion !== 'v1') unconvertible(`unsupported pod version: ${apiVersion}`)
  else if (map !== '') {
    if (!fields.subscripts.includes(map)) unconvertible(`field label does not support subscript: ${fieldPath}`)
    else invalidText(key, qualifiedNameErrors(map === 'metadata.annotations' ? key.toLowerCase() : key), path, errors)
  } else if (!KNOWN_LABELS.has(fieldPath)) unconvertible(`field label not supported: ${fieldPath}`)
  else if (!fields.paths.includes(fieldPath)) errors.push(fieldError.notSupported(at, fieldPath, fields.paths))
}

const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const DIVISORS: Readonly<Record<string, readonly string[]>> = {
  cpu: ['1m', '1'],
  memory: BYTE_DIVISORS,
  'ephemeral-storage': BYTE_DIVISORS,
}

export function validateResourceFieldRef(reference: core.ResourceFieldSelector, inVolume: boolean, path: Path, errors: FieldErrors): void {
  const { containerName = '', resource = '', divisor } = reference
  if (inVolume && containerName === '') errors.push(fieldError.required(path.child('containerName')))
  else if (resource === '') errors.push(fieldError.required(path.child('resource')))
  else if (!RESOURCES.includes(resource)) {
    if (!/^(requests|limits)\.hugepages-/.test(resource)) errors.push(fieldError.notSupported(path.child('resource'), resource, RESOURCES))
  }
  const name = resource.slice(resource.indexOf('.') + 1)
  const supported = isHugePageResource(name) ? BYTE_DIVISORS : DIVISORS[name]
  if (divisor === undefined || supported === undefined || compareQuantities(divisor, 0) === 0) return
  if (supported.some((one) => compareQuantities(one, divisor) === 0)) return
  const what = name === 'ephemeral-storage' ? 'local ephemeral storage' : name
  errors.push(
    fieldError.invalid(
      path.child('divisor'),
      resource,
      `only divisor's values ${supported.join(', ').replace(/^1m, 1$/, '1m and 1')} are supported with the ${what} resource`,
    ),
  )
}
