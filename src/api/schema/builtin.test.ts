import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInSchemas, schemaOf } from './builtin.ts'
import type { Field, ObjectSchema } from './schema.ts'

function field(type: string, name: string): Field {
  const found = builtInSchemas.typeNamed(type).fields.get(name)
  assert.ok(found !== undefined, `${type}.${name}`)
  return found
}

test('a kind is built once, with its fields in the order of the wire', () => {
  const pod = schemaOf('', 'v1', 'Pod')
  assert.equal(pod, schemaOf('', 'v1', 'Pod'))
  assert.deepEqual([...(pod?.fields.keys() ?? [])], ['kind', 'apiVersion', 'metadata', 'spec', 'status'])
  assert.equal(schemaOf('', 'v1', 'Widget'), undefined)
})

test('every type can be built, and recursive ones end', () => {
  for (const name of builtInSchemas.typeNames) assert.equal(builtInSchemas.typeNamed(name).kind, 'object')
  const props = builtInSchemas.typeNamed('apiextensions.v1.JSONSchemaProps')
  const properties = props.fields.get('properties')?.schema
  assert.equal(properties?.kind === 'map' ? properties.values : undefined, props)
})

test('lists know how they are merged', () => {
  const containers = field('core.v1.PodSpec', 'containers').schema
  assert.ok(containers.kind === 'list')
  assert.deepEqual([containers.listType, containers.listKeys, containers.mergeKey], ['map', ['name'], 'name'])
  const finalizers = field('meta.v1.ObjectMeta', 'finalizers').schema
  assert.ok(finalizers.kind === 'list')
  assert.deepEqual([finalizers.listType, finalizers.mergeKey], ['set', ''])
  const volumes = field('core.v1.PodSpec', 'volumes').schema
  assert.equal(volumes.kind === 'list' && volumes.retainKeys, true)
  const tolerations = field('core.v1.PodSpec', 'tolerations').schema
  assert.equal(tolerations.kind === 'list' && tolerations.mergeKey === undefined && tolerations.listType, 'atomic')
})

test('what a field cannot tell from absence, and what it always has, follow from the Go type', () => {
  assert.equal(field('core.v1.PodSpec', 'hostNetwork').dropEmpty, true)
  assert.equal(field('core.v1.PodSpec', 'automountServiceAccountToken').dropEmpty, undefined)
  assert.deepEqual(field('core.v1.Container', 'resources').zero, {})
  assert.equal(field('core.v1.PodSpec', 'resources').zero, undefined)
  assert.equal(field('rbac.v1.Role', 'rules').zero, null)
  assert.deepEqual(field('rbac.v1.RoleList', 'items').zero, [])
  assert.equal(field('meta.v1.ObjectMeta', 'creationTimestamp').zero, undefined)
  assert.equal(field('core.v1.PodCondition', 'lastProbeTime').zero, null)
  assert.equal(field('core.v1.ServicePort', 'protocol').default, 'TCP')
})

test('a variant of a type keeps its fields and its name', () => {
  const strategy = field('apps.v1.DeploymentSpec', 'strategy').schema as ObjectSchema
  const type = builtInSchemas.typeNamed('apps.v1.DeploymentStrategy')
  assert.equal(strategy.retainKeys, true)
  assert.equal(strategy.fields, type.fields)
  assert.equal(builtInSchemas.openApiName(strategy), 'io.k8s.api.apps.v1.DeploymentStrategy')
})

test('field numbers lead through messages that JSON does not show', () => {
  assert.deepEqual(field('core.v1.Volume', 'configMap').proto, { number: 19, outer: [2] })
  assert.deepEqual(field('core.v1.Pod', 'spec').proto, { number: 2, isAlways: true })
  assert.equal(field('core.v1.Pod', 'kind').proto, undefined)
})
