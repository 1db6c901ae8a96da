import { UserError } from '#base/pure'
import type { KubeObject, ResourceRef } from './meta/object.ts'
import {
  type Column,
  type Conversion,
  type OfKind,
  type Resource,
  type ResourceStorage,
  type Strategy,
  type Subresource,
  VERBS,
  type Verb,
} from './resource.ts'
import { ageOf } from './schema/age.ts'
import { builtInSchemas, schemaOf } from './schema/builtin.ts'
import { columnFacts, resourceFact } from './schema/registered.ts'
import type { ResourceFact, SubresourceFact } from './schema/resource-facts.ts'
import type { ObjectSchema } from './schema/schema.ts'
import { builtInStorage } from './schema/storage.ts'

export type Cell = string | number | boolean | null

/** What a built-in kind says of itself; the rest comes from the generated facts. */
export interface ResourceRules<T extends KubeObject> {
  readonly strategy?: Strategy<T>
  /** Cells by column name. Name, Age and Created At need none. */
  readonly columns?: Readonly<Record<string, OfKind<[object: T, now: number], Cell>>>
  /** See `Resource.trailingCell`. */
  readonly trailingCell?: OfKind<[object: T, now: number], Cell>
  readonly selectable?: Readonly<Record<string, OfKind<[object: T], string>>>
  /** Rules of the subresources that discovery has. `status` needs none, `scale` does; others are announced as special. */
  readonly subresources?: Readonly<Record<string, Subresource<T>>>
  /** See `Resource.fieldAnnotations`. */
  readonly fieldAnnotations?: readonly string[]
  /** Where kube-apiserver's layout is not what is wanted. */
  readonly storage?: ResourceStorage
  /** Needed by a version that is not the stored one. */
  readonly conversion?: Conversion
}

/** Joins the rules of a built-in kind with its facts. Throws when they do not fit: a column without a cell, an unknown subresource. */
export function defineResource<T extends KubeObject>(ref: ResourceRef<T>, rules: ResourceRules<NoInfer<T>>): Resource<T> {
  const { group, version, kind, plural, namespaced } = ref
  const title = `${plural} of ${group === '' ? 'the core group' : group} ${version}`
  const fact = resourceFact(group, version, plural)
  const schema = schemaOf(group, version, kind)
  if (fact === undefined || schema === undefined) throw new UserError(`${title} is not a built-in resource`)
  const storage = storageOf(ref, fact, rules, title)
  return {
    group,
    version,
    kind,
    plural,
    namespaced,
    singular: fact.singular,
    listKind: fact.listKind ?? `${kind}List`,
    shortNames: fact.shortNames ?? [],
    categories: fact.categories ?? [],
    schema,
    verbs: new Set(fact.verbs.filter(isVerb)),
    typedItems: false,
    ...(storage === undefined ? {} : { storage }),
    strategy: { ...(fact.deletedObject ? { deleteAnswer: 'object' } : {}), ...rules.strategy },
    columns: columnsOf(ref, rules, title),
    ...(rules.trailingCell === undefined ? {} : { trailingCell: rules.trailingCell }),
    selectable: rules.selectable ?? {},
    subresources: subresourcesOf(fact, rules, title),
    ...(rules.conversion === undefined ? {} : { conversion: rules.conversion }),
    ...(rules.fieldAnnotations === undefined ? {} : { fieldAnnotations: rules.fieldAnnotations }),
  }
}

function isVerb(verb: string): verb is Verb {
  return (VERBS as readonly string[]).includes(verb)
}

/** Kinds that can only be created (the reviews) are answered and never stored. */
function storageOf<T extends KubeObject>(
  ref: ResourceRef<T>,
  fact: ResourceFact,
  rules: ResourceRules<T>,
  title: string,
): ResourceStorage | undefined {
  if (rules.storage === undefined && !fact.verbs.includes('update')) return undefined
  const storage = rules.storage ?? builtInStorage(ref)
  const isStored = storage.group === ref.group && storage.version === ref.version && storage.kind === ref.kind
  if (!isStored && rules.conversion === undefined) {
    throw new UserError(`${title} is stored as ${storage.kind} ${storage.version} and has no conversion`)
  }
  return storage
}

function columnsOf<T extends KubeObject>(ref: ResourceRef<T>, rules: ResourceRules<T>, title: string): Column<T>[] {
  const definitions = columnFacts(ref.group, ref.version, ref.plural) ?? []
  const unknown = Object.keys(rules.columns ?? {}).filter((name) => !definitions.some((column) => column.name === name))
  if (unknown.length > 0) throw new UserError(`${title} has no column ${unknown.join(', ')}`)
  const missing = definitions.filter((column) => cellOf(column.name, rules) === undefined)
  if (missing.length > 0) throw new UserError(`${title} has no cell for the column ${missing.map((column) => column.name).join(', ')}`)
  return definitions.map((column) => ({ ...column, cell: cellOf(column.name, rules) ?? ((): Cell => null) }))
}

function cellOf<T extends KubeObject>(name: string, rules: ResourceRules<T>): Column<T>['cell'] | undefined {
  const own = rules.columns?.[name]
  if (own !== undefined) return own
  if (name === 'Name') return (object) => object.metadata?.name ?? ''
  if (name === 'Age') return (object, now) => ageOf(object.metadata?.creationTimestamp, now)
  if (name === 'Created At') return (object) => object.metadata?.creationTimestamp ?? null
  return undefined
}

function subresourcesOf<T extends KubeObject>(fact: ResourceFact, rules: ResourceRules<T>, title: string): Record<string, Subresource<T>> {
  const facts = Object.entries(fact.subresources ?? {})
  const unknown = Object.keys(rules.subresources ?? {}).filter((name) => !facts.some(([known]) => known === name))
  if (unknown.length > 0) throw new UserError(`${title} has no subresource ${unknown.join(', ')}`)
  return Object.fromEntries(
    facts.map(([name, subresource]) => [name, rules.subresources?.[name] ?? defaultSubresource<T>(name, subresource, fact, title)]),
  )
}

function defaultSubresource<T extends KubeObject>(
  name: string,
  { verbs, speaks }: SubresourceFact,
  fact: ResourceFact,
  title: string,
): Subresource<T> {
  if (name === 'status') return { type: 'status' }
  if (name === 'scale') throw new UserError(`${title} has a scale subresource and needs rules for it`)
  const foreign = speaks !== undefined && (speaks.group !== fact.group || speaks.version !== fact.version || speaks.kind !== fact.kind)
  return { type: 'special', verbs, ...(foreign ? { speaks } : {}) }
}

/** The schema of a type of `meta/v1`, by its name. Throws when there is none. */
export function metaSchema(name: string): ObjectSchema {
  return builtInSchemas.typeNamed(`meta.v1.${name}`)
}

/** The schema of an object that is spoken on a path, whichever resource it belongs to. Throws when there is none. */
export function builtInSchema(group: string, version: string, kind: string): ObjectSchema {
  const schema = schemaOf(group, version, kind)
  if (schema === undefined) throw new UserError(`there is no built-in kind ${kind} in ${group === '' ? version : `${group}/${version}`}`)
  return schema
}
