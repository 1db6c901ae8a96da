import { isUnsetList } from '../../meta/unset-list.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { type JsonSchema, itemsOf, valuesOf } from '../../structural/json-schema.ts'
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../types/apiextensions-v1.gen.ts'
import { type TextErrors, dns1035LabelErrors, dnsSubdomainErrors, nameIsDnsSubdomain } from '../../validation/names.ts'
import { validateImmutable, validateRequiredEnum } from '../../validation/values.ts'
import { partsOf } from './shared-parts.ts'
import { validateConversion } from './validate-conversion.ts'
import { validateDefaults } from './validate-defaults.ts'
import { validateNames, validateRequiredNames } from './validate-names.ts'
import { validateRules } from './validate-rules.ts'
import { validateWords } from './validate-schema.ts'
import { validateStructure } from './validate-structure.ts'
import { validateColumns, validateSelectableFields, validateSubresources } from './validate-views.ts'

const SPEC = Path.of('spec')
const VERSIONS = SPEC.child('versions')
const STATUS = Path.of('status')
const STORED = STATUS.child('storedVersions')

/** The name says what it defines. */
export function definitionNameErrors(name: string, isPrefix: boolean, { spec }: CustomResourceDefinition): TextErrors {
  const isRight = name === `${spec.names.plural}.${spec.group}`
  return [...nameIsDnsSubdomain(name, isPrefix), ...(isRight ? [] : ['must be spec.names.plural+"."+spec.group'])]
}

export function validateDefinition(definition: CustomResourceDefinition, errors: FieldErrors): void {
  const { spec } = definition
  validateSpec(spec, undefined, errors)
  validateStatus(definition, errors)
  validateApproval(definition, errors)
  if (spec.preserveUnknownFields === true) {
    const detail = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
    errors.push(fieldError.invalid(SPEC.child('preserveUnknownFields'), true, detail))
  }
}

/** What names the kind stays once objects can have been stored under it. */
export function validateDefinitionUpdate(definition: CustomResourceDefinition, old: CustomResourceDefinition, errors: FieldErrors): void {
  const { spec } = definition
  validateSpec(spec, old.spec, errors)
  const isEstablished = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
  if (isEstablished) {
    validateImmutable(spec.scope, old.spec.scope, SPEC.child('scope'), errors)
    validateImmutable(spec.names.kind, old.spec.names.kind, SPEC.child('names').child('kind'), errors)
  }
  validateImmutable(spec.group, old.spec.group, SPEC.child('group'), errors)
  validateImmutable(spec.names.plural, old.spec.names.plural, SPEC.child('names').child('plural'), errors)
  validateStatus(definition, errors)
  if (spec.preserveUnknownFields === true && old.spec.preserveUnknownFields !== true) {
    errors.push(
      fieldError.invalid(
        SPEC.child('preserveUnknownFields'),
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    )
  }
}

function validateSpec(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined, errors: FieldErrors): void {
  validateGroup(spec.group, errors)
  validateRequiredEnum(spec.scope, ['Cluster', 'Namespaced'], SPEC.child('scope'), errors)
  spec.versions.forEach(({ schema }, i) => {
    if (schema?.openAPIV3Schema === undefined) errors.push(fieldError.required(VERSIONS.index(i).child('schema').child('openAPIV3Schema')))
  })
  validateVersions(spec.versions, errors)
  validateRequiredNames(spec.names, SPEC.child('names'), errors)
  validateNames(spec.names, SPEC.child('names'), errors)
  const schemas = partsOf(spec, 'schema', 'validation')
  for (const { value, path, version } of schemas) {
    const root = value.openAPIV3Schema
    const before = old?.versions.some(({ schema }) => deepEqual(schema?.openAPIV3Schema, root)) ?? false
    // A schema that was accepted once is accepted still.
    if (root !== undefined && !before) validateSchema(root, version, path.child('openAPIV3Schema'), errors)
  }
  for (const { value, path } of partsOf(spec, 'subresources', 'subresources')) validateSubresources(value, path, errors)
  for (const { value, path } of partsOf(spec, 'additionalPrinterColumns', 'additionalPrinterColumns')) validateColumns(value, path, errors)
  const schemaIsShared = schemas[0]?.isShared === true
  for (const { value, path, version, isShared } of partsOf(spec, 'selectableFields', 'selectableFields')) {
    const schema = version.schema?.openAPIV3Schema ?? (isShared && schemaIsShared ? {} : undefined)
    // The words for a version say the opposite of what is meant; all are Kubernetes' own.
    if (isShared && !schemaIsShared) errors.push(fieldError.invalid(path, '', 'may only be set when validations.schema is included'))
    else if (schema === undefined)
      errors.push(fieldError.invalid(path, '', 'may only be set when `version.schema.openAPIV3Schema` is not included'))
    else validateSelectableFields(value, schema, path, errors)
  }
  if (spec.preserveUnknownFields === true && spec.conversion !== undefined && spec.conversion.strategy !== 'None') {
    const detail = 'must be None if spec.preserveUnknownFields is true'
    errors.push(fieldError.invalid(SPEC.child('conversion').child('strategy'), spec.conversion.strategy, detail))
  }
  if (spec.conversion !== undefined) validateConversion(spec.conversion, errors)
}

function validateGroup(group: string, errors: FieldErrors): void {
  const path = SPEC.child('group')
  const messages = dnsSubdomainErrors(group)
  if (group === '') errors.push(fieldError.required(path))
  else if (messages.length > 0) errors.push(fieldError.invalid(path, group, messages.join(',')))
  else if (!group.includes('.')) errors.push(fieldError.invalid(path, group, 'should be a domain with at least one dot'))
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  versions.forEach(({ name, deprecated = false, deprecationWarning }, i) => {
    const messages = dns1035LabelErrors(name)
    if (messages.length > 0) errors.push(fieldError.invalid(VERSIONS.index(i).child('name'), name, messages.join(',')))
    const problem = deprecationProblem(deprecated, deprecationWarning)
    if (problem !== undefined) errors.push(fieldError.invalid(VERSIONS.index(i).child('deprecationWarning'), deprecationWarning, problem))
  })
  const shown = isUnsetList(versions) ? null : versions.map(shownVersion)
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    errors.push(fieldError.invalid(VERSIONS, shown, 'must contain unique version names'))
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(fieldError.invalid(VERSIONS, shown, 'must have exactly one version marked as storage version'))
  // The first one is looked at a second time, in the place that it had before there were several.
  const first = versions[0]?.name ?? ''
  const messages = first === '' ? [] : dns1035LabelErrors(first)
  if (messages.length > 0) errors.push(fieldError.invalid(SPEC.child('version'), first, messages.join(',')))
}

/** A version as messages show it: in the words of Kubernetes' own memory, where parts that all versions share stand elsewhere. */
function shownVersion({ name, served, storage, deprecated = false, deprecationWarning }: CustomResourceDefinitionVersion): unknown {
  return {
    Name: name,
    Served: served,
    Storage: storage,
    Deprecated: deprecated,
    DeprecationWarning: deprecationWarning ?? null,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }
}

const MAX_WARNING = 256

function deprecationProblem(deprecated: boolean, warning: string | undefined): string | undefined {
  if (warning === undefined) return undefined
  if (!deprecated) return 'can only be set for deprecated versions'
  if (warning.length > MAX_WARNING) return `must be <= ${MAX_WARNING} characters long`
  if (warning === '') return 'must not be an empty string'
  const at = [...warning].findIndex((character) => character !== ' ' && !/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character))
  return at === -1 ? undefined : `must only contain printable UTF-8 characters; non-printable character found at index ${at}`
}

function validateSchema(root: JsonSchema, version: CustomResourceDefinitionVersion, path: Path, errors: FieldErrors): void {
  const before = errors.length
  if (version.subresources?.status !== undefined) validateRootWords(root, path, errors)
  if (root.nullable === true) errors.push(fieldError.forbidden(path.child('nullable'), 'nullable cannot be true at the root'))
  const foreign = unsupported(root)
  const beforeStructure = errors.length
  if (foreign === undefined) validateStructure(root, 'root', path, errors)
  if (foreign === undefined && errors.length === beforeStructure) validateDefaults(root, path, errors)
  const hasStructure = foreign === undefined && errors.length === beforeStructure
  const faulty = validateWords(root, path, errors)
  if (foreign !== undefined && errors.length === before) errors.push(fieldError.invalid(path, '', foreign))
  if (hasStructure) validateRules(root, path, faulty, errors)
}

/** Why this is no structural schema at all, by a word that stands in none: then the structure is not looked at. */
function unsupported(schema: JsonSchema | undefined): string | undefined {
  if (schema === undefined || schema === null) return undefined
  const some = (value: object | undefined | null): boolean => Object.keys(value ?? {}).length > 0
  const word = (name: string): string => `OpenAPIV3Schema '${name}' is not supported`
  if ((schema.id ?? '') !== '') return word('id')
  if ((schema.$schema ?? '') !== '') return word('schema')
  if ((schema.$ref ?? '') !== '') return word('$ref')
  if (some(schema.patternProperties)) return word('patternProperties')
  if (some(schema.dependencies)) return word('dependencies')
  if (schema.additionalItems !== undefined) return word('additionalItems')
  if (some(schema.definitions)) return word('definitions')
  const rules = [schema.not, ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  for (const rule of rules) {
    const why = unsupported(rule)
    if (why !== undefined) return why
  }
  if (Array.isArray(schema.items) && schema.items.length > 0) return `OpenAPIV3Schema 'items' must be a schema, but is an array`
  for (const part of partsOfSchema(schema)) {
    const why = unsupported(part)
    if (why !== undefined) return why
  }
  return undefined
}

const ROOT_WORDS = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
]
const ROOT_NAMES: ReadonlySet<string> = new Set(
  ROOT_WORDS.map((word) =>
    /^X[A-Z]/.test(word)
      ? `x-kubernetes-${word
          .slice(1)
          .replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`)
          .toLowerCase()}`
      : `${word.charAt(0).toLowerCase()}${word.slice(1)}`,
  ),
)

/** Those that Kubernetes looks at before the type. */
const FIRST_WORDS = ['id', '$schema', '$ref'] as const

/** With a status of its own, the status is checked by its part of the schema: nothing may stand beside that would be lost. */
function validateRootWords(root: JsonSchema, path: Path, errors: FieldErrors): void {
  const hasFirst = FIRST_WORDS.some((word) => root[word] !== undefined)
  const foreign = Object.entries(root).some(([word, value]) => value !== undefined && !ROOT_NAMES.has(word))
  if (!hasFirst && (root.type ?? 'object') !== 'object') {
    const detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    errors.push(fieldError.invalid(path.child('type'), root.type, detail))
  } else if (foreign) {
    errors.push(
      fieldError.invalidUnshown(
        path,
        `only [${ROOT_WORDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`,
      ),
    )
  }
}

function partsOfSchema(schema: JsonSchema): JsonSchema[] {
  const parts = [itemsOf(schema), valuesOf(schema), ...Object.values(schema.properties ?? {})]
  return parts.filter((part) => part !== undefined)
}

function validateStatus({ spec, status }: CustomResourceDefinition, errors: FieldErrors): void {
  if (status?.acceptedNames !== undefined) validateNames(status.acceptedNames, STATUS.child('acceptedNames'), errors)
  const stored = status?.storedVersions ?? []
  if (stored.length === 0) {
    errors.push(fieldError.invalid(STORED, null, 'must have at least one stored version'))
    return
  }
  // One that is found is not looked for again: of two versions with one name the second is missing.
  const left = new Set(stored)
  for (const { name, storage } of spec.versions)
    if (!left.delete(name) && storage) errors.push(fieldError.invalid(STORED, stored, `must have the storage version ${name}`))
  stored.forEach((version, i) => {
    if (!left.has(version)) return
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`
    errors.push(fieldError.invalid(STORED.index(i), version, detail))
  })
}

const APPROVAL = 'api-approved.kubernetes.io'

function validateApproval({ metadata, spec }: CustomResourceDefinition, errors: FieldErrors): void {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return
  const path = Path.of('metadata').child('annotations').key(APPROVAL)
  const value = metadata?.annotations?.[APPROVAL] ?? ''
  const rules = 'see https://github.com/kubernetes/enhancements/pull/1111'
  if (value === '') errors.push(fieldError.required(path, `protected groups must have approval annotation "${APPROVAL}", ${rules}`))
  else if (!value.startsWith('unapproved') && !URL.canParse(value)) {
    errors.push(
      fieldError.invalid(
        path,
        value,
        `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${rules}`,
      ),
    )
  }
}
