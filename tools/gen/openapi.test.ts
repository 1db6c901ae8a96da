import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Resource, openApiV3, resourceFacts, schemaOf } from '#api'
import { type OpenApiDocument, readInput } from './input.ts'

/** Resources as far as documents look at them, straight from the facts. */
const resources: readonly Resource[] = resourceFacts.map((fact) => {
  const schema = schemaOf(fact.group, fact.version, fact.kind)
  assert.ok(schema !== undefined)
  const subresources = Object.entries(fact.subresources ?? {}).map(
    ([name, { verbs, speaks }]): [string, Resource['subresources'][string]] => {
      if (name === 'status') return [name, { type: 'status' }]
      if (name === 'scale')
        return [name, { type: 'scale', replicas: () => 0, statusReplicas: () => 0, selector: () => '', setReplicas: () => undefined }]
      return [name, { type: 'special', verbs, ...(speaks === undefined ? {} : { speaks }) }]
    },
  )
  return {
    ...fact,
    listKind: fact.listKind ?? `${fact.kind}List`,
    shortNames: fact.shortNames ?? [],
    categories: fact.categories ?? [],
    verbs: new Set(fact.verbs) as Resource['verbs'],
    schema,
    typedItems: false,
    strategy: fact.deletedObject ? { deleteAnswer: 'object' } : {},
    columns: [],
    selectable: {},
    subresources: Object.fromEntries(subresources),
  }
})

/** Neither document's texts are compared: ours has none but those of answers. */
function withoutDescriptions(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, child: unknown) => (key === 'description' && typeof child === 'string' ? undefined : child)),
  )
}

const documents = Object.entries(readInput().openApi).flatMap(([path, document]) => {
  const match = /^(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path)
  return match === null ? [] : [{ path, group: match[1] ?? '', version: match[2] ?? '', document }]
})

for (const { path, group, version, document } of documents) {
  test(`the document of ${path} has the types and paths of the real one`, () => {
    const made = withoutDescriptions(openApiV3(resources, group, version)) as Required<OpenApiDocument>
    const real = withoutDescriptions(document) as Required<OpenApiDocument>
    assert.deepEqual(Object.keys(made.paths), Object.keys(real.paths).sort())
    for (const [at, item] of Object.entries(real.paths)) assert.deepEqual(made.paths[at], item, at)
    for (const [name, schema] of Object.entries(real.components.schemas ?? {}))
      assert.deepEqual(made.components.schemas?.[name], schema, name)
    assert.deepEqual(Object.keys(made.components.schemas ?? {}), Object.keys(real.components.schemas ?? {}).sort())
  })
}
