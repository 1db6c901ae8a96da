import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineResource } from './define.ts'
import * as refs from './refs.gen.ts'

const text = (): string => ''

test('a resource takes its identity, verbs, columns and storage from the facts', () => {
  const secrets = defineResource(refs.secrets, {
    columns: { Type: (secret) => secret.type ?? '', Data: (secret) => Object.keys(secret.data ?? {}).length },
  })
  assert.equal(secrets.singular, 'secret')
  assert.equal(secrets.listKind, 'SecretList')
  assert.deepEqual([...secrets.verbs].sort(), ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
  assert.deepEqual(secrets.storage, { prefix: '/registry/secrets', group: '', version: 'v1', kind: 'Secret' })
  assert.deepEqual(
    secrets.columns.map((column) => column.name),
    ['Name', 'Type', 'Data', 'Age'],
  )
  assert.deepEqual(
    secrets.columns.map((column) =>
      column.cell({ metadata: { name: 's', creationTimestamp: '2026-01-01T00:00:00Z' }, data: { a: '' } }, Date.UTC(2026, 0, 1, 0, 2, 30)),
    ),
    ['s', '', 1, '2m30s'],
  )
  assert.equal(secrets.schema.fields.get('data')?.schema.kind, 'map')
})

test('a column without a cell is refused at start, and so is a cell without a column', () => {
  assert.throws(() => defineResource(refs.secrets, {}), /secrets of the core group v1 has no cell for the column Type, Data/)
  assert.throws(() => defineResource(refs.roles, { columns: { Nope: text } }), /has no column Nope/)
})

test('status comes from discovery, scale needs rules, other subresources are special', () => {
  const namespaces = defineResource(refs.namespaces, { columns: { Status: text } })
  assert.deepEqual(namespaces.subresources, { finalize: { type: 'special', verbs: ['update'] }, status: { type: 'status' } })
  assert.throws(
    () =>
      defineResource(refs.deployments, {
        columns: Object.fromEntries(['Ready', 'Up-to-date', 'Available', 'Containers', 'Images', 'Selector'].map((name) => [name, text])),
      }),
    /needs rules for it/,
  )
})

test('keys are those of kube-apiserver', () => {
  const prefixOf = (ref: Parameters<typeof defineResource>[0], columns: Record<string, () => string>): string | undefined =>
    defineResource(ref, { columns }).storage?.prefix
  assert.equal(prefixOf(refs.endpoints, { Endpoints: text }), '/registry/services/endpoints')
  assert.equal(prefixOf(refs.roles, {}), '/registry/roles')
  assert.equal(prefixOf(refs.customresourcedefinitions, {}), '/registry/apiextensions.k8s.io/customresourcedefinitions')
  assert.equal(defineResource(refs.tokenreviews, {}).storage, undefined)
})

test('a version that is not stored needs a conversion', () => {
  const columns = Object.fromEntries(
    ['Last Seen', 'Type', 'Reason', 'Object', 'Subobject', 'Source', 'Message', 'First Seen', 'Count', 'Name'].map((name) => [name, text]),
  )
  assert.throws(() => defineResource(refs.eventsV1, { columns }), /stored as Event v1 and has no conversion/)
})
