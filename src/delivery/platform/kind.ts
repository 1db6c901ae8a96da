import type { KubeObject, ResourceRef, apiextensions } from '#api'
import { PLATFORM_GROUP, PLATFORM_VERSION } from './group.ts'

export type Schema = apiextensions.JSONSchemaProps

/** What a kind of the platform is, without what all of them have in common. */
export interface PlatformKind {
  readonly kind: string
  readonly plural: string
  readonly shortNames: readonly string[]
  readonly description: string
  readonly columns: readonly apiextensions.CustomResourceColumnDefinition[]
  readonly selectableFields?: readonly string[]
  readonly spec: Schema
  readonly status: Schema
  /** CEL rules on the whole object, which may look at `self.metadata.name`. */
  readonly rules: readonly apiextensions.ValidationRule[]
}

/** Namespaced, one version, a status of its own. */
export function kindDefinition(kind: PlatformKind): apiextensions.CustomResourceDefinition {
  const { plural, shortNames, columns, selectableFields = [] } = kind
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${PLATFORM_GROUP}` },
    spec: {
      group: PLATFORM_GROUP,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular: kind.kind.toLowerCase(),
        shortNames: [...shortNames],
        categories: ['sampan'],
      },
      versions: [
        {
          name: PLATFORM_VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [...columns, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
          ...(selectableFields.length === 0 ? {} : { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: kind.description,
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                // Rules that look at the name are weighed by how long it can be.
                metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 253 } } },
                spec: kind.spec,
                status: kind.status,
              },
              'x-kubernetes-validations': [...kind.rules],
            },
          },
        },
      ],
    },
  }
}

/** How a kind of the platform is asked for. */
export const platformRef = <T extends KubeObject>({ kind, plural }: PlatformKind): ResourceRef<T> => ({
  group: PLATFORM_GROUP,
  version: PLATFORM_VERSION,
  kind,
  plural,
  namespaced: true,
})

/** `status.conditions` as all kinds have them. */
export const CONDITIONS: Schema = {
  type: 'array',
  maxItems: 16,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', maxLength: 316 },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
      lastTransitionTime: { type: 'string', format: 'date-time' },
      reason: { type: 'string', minLength: 1, maxLength: 1024 },
      message: { type: 'string', maxLength: 32_768 },
    },
  },
}
