import { isObject } from '../../schema/decode/types.ts'
import type { JsonSchema } from '../../structural/json-schema.ts'
import { isFormatOf } from '../../structural/validate/formats.ts'
import type { CustomResourceDefinition } from '../../types/apiextensions-v1.gen.ts'

/** Formats that nothing checks are told to the author, and again only when they are new. */
export function definitionWarnings(definition: CustomResourceDefinition, old?: CustomResourceDefinition): readonly string[] {
  const known = new Set(old === undefined ? [] : strangeFormats(old))
  return strangeFormats(definition)
    .filter((format) => !known.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`)
}

function strangeFormats({ spec }: CustomResourceDefinition): string[] {
  const found = new Set<string>()
  const walk = (schema: JsonSchema): void => {
    const { format = '', type = '' } = schema
    if (format !== '' && !isFormatOf(type, format)) found.add(format)
    for (const part of everyPart(schema)) walk(part)
  }
  for (const { schema } of spec.versions) if (schema?.openAPIV3Schema !== undefined) walk(schema.openAPIV3Schema)
  return [...found]
}

/** All schemas that stand in a schema, those that may not stand there too. */
function everyPart(schema: JsonSchema): JsonSchema[] {
  const {
    items,
    allOf,
    anyOf,
    oneOf,
    not,
    properties,
    additionalProperties,
    patternProperties,
    additionalItems,
    definitions,
    dependencies,
  } = schema
  const parts: unknown[] = [
    ...(Array.isArray(items) ? items : [items]),
    ...(allOf ?? []),
    ...(anyOf ?? []),
    ...(oneOf ?? []),
    not,
    ...Object.values(properties ?? {}),
    additionalProperties,
    ...Object.values(patternProperties ?? {}),
    additionalItems,
    ...Object.values(definitions ?? {}),
    ...Object.values(dependencies ?? {}),
  ]
  return parts.filter((part): part is JsonSchema => isObject(part))
}
