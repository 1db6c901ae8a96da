import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionText, subresourceText } from './operation-texts.ts'
import { withSharedParameters } from './shared-parameters.ts'

const NAMESPACE = {
  uniqueItems: true,
  type: 'string',
  description: 'object name and auth scope, such as for teams and projects',
  name: 'namespace',
  in: 'path',
  required: true,
}

test('parameters that are of no kind stand once, under the names of the reference', () => {
  const own = [
    { name: 'dryRun', in: 'query', type: 'string' },
    { name: 'name', in: 'path', type: 'string', description: 'name of the Pod', required: true },
    { name: 'body', in: 'body', schema: { $ref: '#/definitions/io.k8s.api.core.v1.Pod' } },
  ]
  const options = { name: 'body', in: 'body', schema: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions' } }
  const document = {
    swagger: '2.0',
    paths: {
      '/a': { parameters: [NAMESPACE], post: { parameters: own } },
      '/b': { parameters: [NAMESPACE], delete: { parameters: [options] } },
    },
  }
  // The names are those in Kubernetes' own swagger.json: they come from what a parameter says.
  assert.deepEqual(withSharedParameters(document), {
    swagger: '2.0',
    paths: {
      '/a': { parameters: [{ $ref: '#/parameters/namespace-vgWSWtn3' }], post: { parameters: own } },
      '/b': { parameters: [{ $ref: '#/parameters/namespace-vgWSWtn3' }], delete: { parameters: [{ $ref: '#/parameters/body-2Y1dVQaQ' }] } },
    },
    parameters: { 'body-2Y1dVQaQ': options, 'namespace-vgWSWtn3': NAMESPACE },
  })
})

test('operations are told of with the article of their kind', () => {
  assert.equal(actionText('post', 'Ingress', true), 'create an Ingress')
  assert.equal(actionText('post', 'Pod', true), 'create a Pod')
  assert.equal(actionText('delete', 'Endpoints', true), 'delete Endpoints')
  assert.equal(actionText('list', 'ComponentStatus', false), 'list objects of kind ComponentStatus')
  assert.equal(subresourceText('post', 'eviction', 'Pod'), 'create eviction of a Pod')
  assert.equal(subresourceText('patch', 'scale', 'Deployment'), 'partially update scale of the specified Deployment')
})
