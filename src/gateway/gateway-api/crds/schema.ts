import type { apiextensions } from '#api'
import { GROUP } from '../kinds.ts'

/** Words for schemas: each says one thing of the API reference. */
export type Schema = apiextensions.JSONSchemaProps
export type Rule = apiextensions.ValidationRule

/** What must hold, and what is said when it does not. */
export const must = (message: string, rule: string): Rule => ({ message, rule })
export const withRules = (schema: Schema, ...rules: readonly Rule[]): Schema => ({ ...schema, 'x-kubernetes-validations': [...rules] })

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
export const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const DOMAIN_PATH = `${SUBDOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+`

export const text = (more: Schema = {}): Schema => ({ type: 'string', ...more })
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: [...values] })
export const whole = (minimum?: number, maximum?: number, more: Schema = {}): Schema => ({
  type: 'integer',
  format: 'int32',
  ...(minimum === undefined ? {} : { minimum }),
  ...(maximum === undefined ? {} : { maximum }),
  ...more,
})
export const flag: Schema = { type: 'boolean' }
const short = (pattern?: string, maxLength = 253, minLength = 1): Schema =>
  text({ minLength, maxLength, ...(pattern === undefined ? {} : { pattern }) })

export const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  properties: { ...properties },
  ...(required.length === 0 ? {} : { required: [...required] }),
  ...more,
})
export const list = (items: Schema, maxItems: number, more: Schema = {}): Schema => ({
  type: 'array',
  items,
  maxItems,
  'x-kubernetes-list-type': 'atomic',
  ...more,
})
/** Entries that are known by one of their fields. */
export const listBy = (key: string, items: Schema, maxItems: number, more: Schema = {}): Schema =>
  list(items, maxItems, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key], ...more })

export const group = short(`^$|^${SUBDOMAIN}$`, 253, 0)
export const kind = short('^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', 63)
export const objectName = short()
export const namespace = short(`^${LABEL}$`, 63)
export const sectionName = short(`^${SUBDOMAIN}$`)
export const hostname = short(`^(\\*\\.)?${SUBDOMAIN}$`)
export const preciseHostname = short(`^${SUBDOMAIN}$`)
export const port = whole(1, 65_535)
export const controllerName = short(`^${DOMAIN_PATH}$`)
export const protocol = short(`^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|${SUBDOMAIN}\\/[A-Za-z0-9]+$`, 255)
export const addressType = short(`^Hostname|IPAddress|NamedAddress|${DOMAIN_PATH}$`)
export const headerName = short("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", 256)
export const duration = text({ pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' })
export const absoluteUri = short('^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?')
export const valueMap = (maxProperties: number, value: Schema): Schema => ({ type: 'object', maxProperties, additionalProperties: value })
export const annotationValue = text({ minLength: 0, maxLength: 4096 })
export const labelValue = text({ minLength: 0, maxLength: 63, pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$' })

export const labelSelector = object(
  {
    matchLabels: { type: 'object', additionalProperties: text() },
    matchExpressions: {
      type: 'array',
      'x-kubernetes-list-type': 'atomic',
      items: object({ key: text(), operator: text(), values: { type: 'array', items: text(), 'x-kubernetes-list-type': 'atomic' } }, [
        'key',
        'operator',
      ]),
    },
  },
  [],
  { 'x-kubernetes-map-type': 'atomic' },
)

const conditionSchema = object(
  {
    lastTransitionTime: text({ format: 'date-time' }),
    message: text({ maxLength: 32_768 }),
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    reason: short('^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$', 1024),
    status: oneOf('True', 'False', 'Unknown'),
    type: text({ maxLength: 316, pattern: `^(${SUBDOMAIN}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$` }),
  },
  ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
)
export const conditions = (more: Schema = {}): Schema => listBy('type', conditionSchema, 8, more)

/** Conditions of an object that no controller has looked at yet. */
export const waiting = (...types: readonly string[]): { readonly [key: string]: string }[] =>
  types.map((type) => ({
    type,
    status: 'Unknown',
    reason: 'Pending',
    message: 'Waiting for controller',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  }))

export interface DefinedKind {
  readonly kind: string
  readonly plural: string
  readonly scope: 'Cluster' | 'Namespaced'
  readonly shortNames?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly columns: readonly (readonly [name: string, jsonPath: string, priority?: number])[]
  readonly versions: readonly string[]
  /** The one in which objects are kept. */
  readonly stored: string
  readonly spec: Schema
  readonly status?: Schema
  readonly isSpecRequired?: boolean
}

export const BUNDLE_VERSION = 'v1.5.0'
const VERSION_ANNOTATION = `${GROUP}/bundle-version`
const CHANNEL_ANNOTATION = `${GROUP}/channel`

export function definition(defined: DefinedKind): apiextensions.CustomResourceDefinition {
  const { kind: name, plural, scope, shortNames, labels, columns, versions, stored, spec, status, isSpecRequired = true } = defined
  const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
  const shown = columns.map(([column, jsonPath, priority]) => ({
    name: column,
    type: 'string',
    jsonPath,
    ...(priority === undefined ? {} : { priority }),
  }))
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${GROUP}`,
      annotations: {
        // The group is one that the project has to be asked for; its maintainers have approved the kinds there.
        'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/4530',
        [VERSION_ANNOTATION]: BUNDLE_VERSION,
        [CHANNEL_ANNOTATION]: 'standard',
      },
      ...(labels === undefined ? {} : { labels: { ...labels } }),
    },
    spec: {
      group: GROUP,
      scope,
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular: name.toLowerCase(),
        categories: ['gateway-api'],
        ...(shortNames === undefined ? {} : { shortNames: [...shortNames] }),
      },
      versions: versions.map((version) => ({
        name: version,
        served: true,
        storage: version === stored,
        ...(status === undefined ? {} : { subresources: { status: {} } }),
        additionalPrinterColumns: [...shown, age],
        schema: {
          openAPIV3Schema: object(
            {
              apiVersion: text(),
              kind: text(),
              metadata: { type: 'object' },
              spec,
              ...(status === undefined ? {} : { status }),
            },
            isSpecRequired ? ['spec'] : [],
          ),
        },
      })),
    },
  }
}
