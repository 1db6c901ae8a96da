import type { KubeObject } from '../meta/object.ts'
import {
  type Column,
  type Conversion,
  type ConversionWebhook,
  type Resource,
  type ResourceStorage,
  type Strategy,
  type Subresource,
  VERBS,
} from '../resource.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../types/apiextensions-v1.gen.ts'
import { customColumns } from './columns.ts'
import { customConversion } from './conversion.ts'
import type { JsonSchema } from './json-schema.ts'
import type { RuleTimer } from './rules/rule-tree.ts'
import { customSelectable } from './selectable.ts'
import { customStrategy } from './strategy.ts'
import { customSubresources } from './subresources.ts'
import { schemaOfCustomObjects, storedObjectSchema } from './to-schema.ts'

export interface CustomResources {
  /** What lies in the store, in no particular version. Never served itself. */
  readonly stored: Resource
  /** One for each served version, in the order of the definition. */
  readonly served: readonly Resource[]
}

/**
 * The resources of a CustomResourceDefinition. What clients see of a kind in discovery is read from `definition` at once; schemas,
 * columns and rules are made when they are first needed, from what `read` gives then, so that a kind that nobody uses costs little.
 */
export function customResources(
  definition: CustomResourceDefinition,
  read: () => CustomResourceDefinition,
  timer?: RuleTimer,
): CustomResources {
  const { spec } = definition
  const names = acceptedNames(definition)
  const storageVersion = spec.versions.find(({ storage }) => storage)?.name ?? ''
  const storage: ResourceStorage = {
    prefix: `/registry/${spec.group}/${spec.names.plural}`,
    group: spec.group,
    version: storageVersion,
    kind: spec.names.kind,
  }
  const identity: Identity = { ...names, group: spec.group, namespaced: spec.scope === 'Namespaced', storage }
  // They refer to each other: selectors look at stored objects the way a served version shows them.
  const stored: StoredResource = new StoredResource(identity, () => served)
  let schema: ObjectSchema | undefined
  const storedSchema = (): ObjectSchema =>
    (schema ??= schemaOfCustomObjects(versionOf(read(), storageVersion).schema?.openAPIV3Schema ?? { type: 'object' }, names.kind))
  const served = spec.versions
    .filter((version) => version.served)
    .map(
      (version) =>
        new CustomResource(
          identity,
          version,
          deprecationOf(definition, version),
          stored,
          storedSchema,
          () => versionOf(read(), version.name),
          spec.conversion?.strategy === 'Webhook' ? () => webhookOf(read()) : undefined,
          timer,
        ),
    )
  return { stored, served }
}

function webhookOf({ spec }: CustomResourceDefinition): ConversionWebhook {
  const { clientConfig = {}, conversionReviewVersions } = spec.conversion?.webhook ?? { conversionReviewVersions: [] }
  return { clientConfig, reviewVersions: conversionReviewVersions }
}

type Identity = Pick<Resource, 'group' | 'kind' | 'plural' | 'singular' | 'listKind' | 'shortNames' | 'categories' | 'namespaced'> & {
  readonly storage: ResourceStorage
}

function acceptedNames({ spec, status }: CustomResourceDefinition): Omit<Identity, 'group' | 'namespaced' | 'storage'> {
  const { plural, kind } = spec.names
  const accepted = status?.acceptedNames ?? spec.names
  return {
    plural,
    kind,
    singular: accepted.singular ?? '',
    listKind: accepted.listKind ?? `${kind}List`,
    shortNames: accepted.shortNames ?? [],
    categories: accepted.categories ?? [],
  }
}

function versionOf(definition: CustomResourceDefinition, name: string): CustomResourceDefinitionVersion {
  return definition.spec.versions.find((version) => version.name === name) ?? { name, served: true, storage: false }
}

function deprecationOf({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): string | undefined {
  if (version.deprecated !== true) return undefined
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const better = spec.versions.filter((other) => other.served && other.deprecated !== true && isNewer(other.name, version.name))
  const best = better.sort((a, b) => (isNewer(a.name, b.name) ? -1 : 1))[0]
  const text = `${spec.group}/${version.name} ${spec.names.kind} is deprecated`
  return best === undefined ? text : `${text}; use ${spec.group}/${best.name} ${spec.names.kind}`
}

/** Kubernetes' order of versions: v2, v1, v2beta1, v1beta2, v1alpha1. */
function isNewer(a: string, b: string): boolean {
  const rank = (version: string): readonly number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
    if (match === null) return [-1, 0, 0]
    return [match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0, Number(match[1]), Number(match[3] ?? 0)]
  }
  const [x, y] = [rank(a), rank(b)]
  const at = x.findIndex((part, place) => part !== y[place])
  return at !== -1 && (x[at] ?? 0) > (y[at] ?? 0)
}

/** What both forms of a custom resource have. */
abstract class Named {
  readonly group: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly listKind: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly storage: ResourceStorage
  readonly typedItems = true

  constructor(identity: Identity) {
    this.group = identity.group
    this.kind = identity.kind
    this.plural = identity.plural
    this.singular = identity.singular
    this.listKind = identity.listKind
    this.shortNames = identity.shortNames
    this.categories = identity.categories
    this.namespaced = identity.namespaced
    this.storage = identity.storage
  }
}

const EVERY_VERB: Resource['verbs'] = new Set(VERBS)
const STORED_SCHEMA = storedObjectSchema()

class StoredResource extends Named implements Resource {
  readonly version: string
  readonly schema = STORED_SCHEMA
  readonly verbs: Resource['verbs'] = new Set()
  readonly strategy: Strategy<KubeObject> = {}
  readonly columns: readonly Column<KubeObject>[] = []
  readonly subresources: Readonly<Record<string, Subresource<KubeObject>>> = {}
  readonly #served: () => readonly Resource[]
  #selectable: Resource['selectable'] | undefined

  constructor(identity: Identity, served: () => readonly Resource[]) {
    super(identity)
    this.version = identity.storage.version
    this.#served = served
  }
  get selectable(): Resource['selectable'] {
    this.#selectable ??= this.#made()
    return this.#selectable
  }
  #made(): Resource['selectable'] {
    const fields: Record<string, Resource['selectable'][string]> = {}
    for (const { selectable, conversion } of this.#served()) {
      for (const [path, read] of Object.entries(selectable))
        fields[path] ??= (object) =>
          read(conversion === undefined || conversion.webhook !== undefined ? object : conversion.fromStored(object))
    }
    return fields
  }
}

class CustomResource extends Named implements Resource {
  readonly version: string
  readonly verbs = EVERY_VERB
  readonly subresources: Readonly<Record<string, Subresource<KubeObject>>>
  readonly deprecation?: string
  readonly conversion: Conversion
  readonly #read: () => CustomResourceDefinitionVersion
  readonly #hasStatus: boolean
  readonly #scale: NonNullable<CustomResourceDefinitionVersion['subresources']>['scale']
  readonly #timer: RuleTimer | undefined
  #rules: JsonSchema | undefined
  #schema: ObjectSchema | undefined
  #columns: readonly Column<KubeObject>[] | undefined
  #selectable: Resource['selectable'] | undefined
  #strategy: Strategy<KubeObject> | undefined

  constructor(
    identity: Identity,
    version: CustomResourceDefinitionVersion,
    deprecation: string | undefined,
    stored: Resource,
    storedSchema: () => ObjectSchema,
    read: () => CustomResourceDefinitionVersion,
    webhook: (() => ConversionWebhook) | undefined,
    timer: RuleTimer | undefined,
  ) {
    super(identity)
    this.version = version.name
    if (deprecation !== undefined) this.deprecation = deprecation
    this.#read = read
    this.#hasStatus = version.subresources?.status !== undefined
    this.#scale = version.subresources?.scale
    this.#timer = timer
    this.conversion = customConversion(
      stored,
      identity,
      version.name,
      () => this.rules,
      () => this.schema,
      storedSchema,
      webhook,
    )
    this.subresources = customSubresources({ hasStatus: this.#hasStatus, scale: this.#scale }, () => this.strategySource())
  }

  /** The schema in the definition's own words. */
  get rules(): JsonSchema {
    this.#rules ??= this.#read().schema?.openAPIV3Schema ?? { type: 'object' }
    return this.#rules
  }
  get schema(): ObjectSchema {
    this.#schema ??= schemaOfCustomObjects(this.rules, this.kind)
    return this.#schema
  }
  get columns(): readonly Column<KubeObject>[] {
    this.#columns ??= customColumns(this.#read().additionalPrinterColumns)
    return this.#columns
  }
  get selectable(): Resource['selectable'] {
    this.#selectable ??= customSelectable(this.#read().selectableFields)
    return this.#selectable
  }
  get strategy(): Strategy<KubeObject> {
    this.#strategy ??= customStrategy(this.strategySource())
    return this.#strategy
  }
  strategySource(): Parameters<typeof customStrategy>[0] {
    return { rules: this.rules, hasStatus: this.#hasStatus, scale: this.#scale, timer: this.#timer }
  }
}
