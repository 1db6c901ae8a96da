import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInResources } from '../groups/index.ts'
import { openApiV3 } from '../openapi/documents.ts'
import { type Components, type GroupVersionKind, wholeSchema } from '../openapi/whole-schema.ts'
import type { Validation, Variable } from '../types/admissionregistration-v1.gen.ts'
import { checkPolicyTypes, type TypedKind } from './check-types.ts'

function builtIn(group: string, version: string, kind: string): TypedKind {
  const document = openApiV3(builtInResources(), group, version)
  return typed({ group, version, kind }, (document['components'] as { readonly schemas: Components }).schemas)
}

function typed(kind: GroupVersionKind, components: Components): TypedKind {
  const schema = wholeSchema(components, kind)
  assert.ok(schema, 'the document has the kind')
  return { kind, schema }
}

const deployment = builtIn('apps', 'v1', 'Deployment')
const pod = builtIn('', 'v1', 'Pod')
const warnings = (validation: Validation, kinds = [deployment], variables: Variable[] = []): string[] =>
  checkPolicyTypes({ validations: [validation], variables }, kinds).map(({ fieldRef, warning }) => `${fieldRef}\n${warning}`)

test('a field that the kind does not have is named, with its place', () => {
  assert.deepEqual(warnings({ expression: 'object.spec.replicas < 5' }), [])
  assert.deepEqual(warnings({ expression: 'object.spec.replicas > 1 && object.replicas > 1' }), [
    [
      'spec.validations[0].expression',
      "apps/v1, Kind=Deployment: ERROR: <input>:1:35: undefined field 'replicas'",
      ' | object.spec.replicas > 1 && object.replicas > 1',
      ' | ..................................^\n',
    ].join('\n'),
  ])
})

test('each kind is looked at, and messages are too', () => {
  const found = warnings({ expression: 'true', messageExpression: 'string(object.spec.replicas)' }, [pod, deployment])
  assert.equal(found.length, 1)
  assert.match(
    found[0] ?? '',
    /^spec\.validations\[0\]\.messageExpression\n\/v1, Kind=Pod: ERROR: <input>:1:19: undefined field 'replicas'\n/,
  )
  assert.doesNotMatch(found[0] ?? '', /Deployment/)
  const both = warnings({ expression: 'object.nowhere' }, [pod, deployment])[0] ?? ''
  assert.match(both, /\n\napps\/v1, Kind=Deployment: /)
})

test('values of another type are refused, what schemas leave open is not', () => {
  assert.match(
    warnings({ expression: "object.spec.replicas == 'three'" })[0] ?? '',
    /found no matching overload for '_==_' applied to '\(int, string\)'/,
  )
  const open = "object.spec.template.spec.containers.all(c, c.ports.all(p, p.containerPort > 0) && c.livenessProbe.httpGet.port == 'http')"
  assert.deepEqual(warnings({ expression: open }), [])
  assert.deepEqual(warnings({ expression: "object.metadata.labels['a'] == 'b' && oldObject.spec.replicas == 1" }), [])
  // What is a text or a number, and no int-or-string, has no type of its own.
  assert.match(
    warnings({ expression: "object.spec.containers[0].resources.limits['cpu'] == '1'" }, [pod])[0] ?? '',
    /undefined field 'limits'/,
  )
})

test('variables have the types of their expressions; objects, and what is wrong, may be anything', () => {
  const variables = [
    { name: 'count', expression: 'object.spec.replicas' },
    { name: 'spec', expression: 'object.spec' },
    { name: 'wrong', expression: 'object.nothing' },
  ]
  assert.match(warnings({ expression: "variables.count == 'x'" }, [deployment], variables)[0] ?? '', /applied to '\(int, string\)'/)
  assert.deepEqual(warnings({ expression: 'variables.spec.foo == variables.wrong.bar' }, [deployment], variables), [])
  assert.match(warnings({ expression: 'variables.other' }, [deployment], variables)[0] ?? '', /undefined field 'other'/)
})

test('parameters have the type of their kind where it is known', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  const spec = { paramKind, validations: [{ expression: 'params.data.size() > 0 && params.dater.size() > 0' }] }
  const known = checkPolicyTypes(spec, [deployment], builtIn('', 'v1', 'ConfigMap'))
  assert.match(known[0]?.warning ?? '', /undefined field 'dater'/)
  assert.deepEqual(checkPolicyTypes(spec, [deployment]), [])
  assert.match(warnings({ expression: 'params.data.size() > 0' })[0] ?? '', /undeclared reference to 'params'/)
})

test('without kinds there is nothing to say, not even of nonsense', () => {
  assert.deepEqual(warnings({ expression: '1 +' }, []), [])
})

test('a type within itself ends, and a document that fans out is given up', () => {
  const crd = builtIn('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition')
  assert.deepEqual(warnings({ expression: 'object.spec.versions.all(v, v.schema.openAPIV3Schema.type == "object")' }, [crd]), [])
  const kind = { group: 'a.example', version: 'v1', kind: 'Bomb' }
  const components: Record<string, unknown> = {
    bomb: { type: 'object', properties: { a: { $ref: '#/components/schemas/t0' } }, 'x-kubernetes-group-version-kind': [kind] },
  }
  for (let i = 0; i < 40; i++) {
    const next = { $ref: `#/components/schemas/t${i + 1}` }
    components[`t${i}`] = { type: 'object', properties: { a: next, b: next } }
  }
  components['t40'] = { type: 'string' }
  assert.equal(wholeSchema(components as Components, kind), undefined)
  assert.equal(wholeSchema({}, kind), undefined)
})
