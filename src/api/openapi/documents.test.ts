import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineResource } from '../define.ts'
import { namespaces as namespaceRules } from '../groups/core/namespace.ts'
import * as refs from '../refs.gen.ts'
import type { Resource } from '../resource.ts'
import { openApiV2, openApiV3 } from './documents.ts'
import { plainDocuments } from './plain-documents.ts'

const roles = defineResource(refs.roles, {}) as unknown as Resource
const namespaces = namespaceRules as unknown as Resource
const reviews = defineResource(refs.tokenreviews, {}) as unknown as Resource

const widgets: Resource = {
  ...roles,
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  listKind: 'WidgetList',
  plural: 'widgets',
  typedItems: true,
  schema: { kind: 'object', fields: new Map() },
  rules: {
    type: 'object',
    description: 'A widget',
    properties: {
      spec: {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', format: 'int32', minimum: 1, default: 2 },
          port: { 'x-kubernetes-int-or-string': true },
          note: { type: 'string', nullable: true },
        },
      },
    },
  },
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { readonly parameters?: { readonly name: string }[]; readonly 'x-kubernetes-group-version-kind'?: unknown }>
  >
  readonly components: { readonly schemas: Record<string, unknown> }
  readonly definitions: Record<string, unknown>
}

test('a custom resource is described with everything in place and its kind', () => {
  const document = openApiV3([roles, widgets], 'example.com', 'v1') as unknown as Document
  const widget = document.components.schemas['com.example.v1.Widget'] as Record<string, Record<string, unknown>>
  assert.deepEqual(widget['properties']?.['spec'], {
    type: 'object',
    required: ['size'],
    properties: {
      note: { type: 'string', nullable: true },
      port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      size: { type: 'integer', format: 'int32', minimum: 1, default: 2 },
    },
  })
  assert.deepEqual(Object.keys(widget['properties'] ?? {}), ['apiVersion', 'kind', 'metadata', 'spec'])
  assert.deepEqual(widget['x-kubernetes-group-version-kind'], [{ group: 'example.com', kind: 'Widget', version: 'v1' }])
  const item = document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}']
  assert.deepEqual(item?.['patch']?.['x-kubernetes-group-version-kind'], { group: 'example.com', version: 'v1', kind: 'Widget' })
  assert.ok(item?.['patch']?.parameters?.some((parameter) => parameter.name === 'fieldValidation'))
})

test('a document has only the types that its paths speak of', () => {
  const document = openApiV3([roles, reviews], 'authentication.k8s.io', 'v1') as unknown as Document
  const names = Object.keys(document.components.schemas)
  assert.ok(names.includes('io.k8s.api.authentication.v1.TokenReview'))
  assert.ok(!names.includes('io.k8s.api.rbac.v1.Role') && !names.includes('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'))
})

test('version 2 is one document whose references all lead somewhere', () => {
  const document = openApiV2([roles, widgets], []) as unknown as Document
  const text = JSON.stringify(document)
  assert.ok('/apis/rbac.authorization.k8s.io/v1/roles' in document.paths && '/apis/example.com/v1/widgets' in document.paths)
  assert.equal(/"(?:allOf|anyOf|nullable|default)"|#\/components/.test(text), false)
  for (const [, name = ''] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) assert.ok(name in document.definitions, name)
})

test('what is spoken in every group is named as a kind of each, whether it is served or not', () => {
  const document = openApiV2([roles, namespaces], plainDocuments([], [])) as unknown as Document & {
    readonly paths: Record<string, Record<string, { readonly responses: Record<string, { readonly schema: { readonly $ref: string } }> }>>
  }
  const kindsOf = (type: string): string[] => {
    const { 'x-kubernetes-group-version-kind': kinds = [] } = document.definitions[`io.k8s.apimachinery.pkg.apis.meta.v1.${type}`] as {
      readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string }[]
    }
    return kinds.map(({ group, version }) => `${group}/${version}`)
  }
  for (const type of ['DeleteOptions', 'WatchEvent']) {
    const groups = kindsOf(type)
    assert.deepEqual(groups, groups.toSorted())
    for (const known of ['/v1', 'admission.k8s.io/v1', 'apps/v1beta2', 'apiregistration.k8s.io/v1'])
      assert.ok(groups.includes(known), known)
  }
  assert.deepEqual([kindsOf('APIVersions'), kindsOf('APIGroupList')], [['/v1'], ['/v1']])
  // A namespace that is asked to go is still there, and is the answer; the documents promise a Status.
  const answer = document.paths['/api/v1/namespaces/{name}']?.['delete']?.responses['200']?.schema.$ref
  assert.equal(answer, '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Status')
})
