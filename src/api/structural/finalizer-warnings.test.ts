import assert from 'node:assert/strict'
import { it } from 'node:test'
import { finalizerWarnings } from './finalizer-warnings.ts'

const withFinalizers = (...finalizers: string[]) => ({ metadata: { name: 'a', finalizers } })

it('warns of new finalizers without a path of their own, in the order of their names', () => {
  assert.deepEqual(finalizerWarnings(withFinalizers('finalizer.keda.sh', 'alone', 'a.example/own', 'orphan'), undefined), [
    'metadata.finalizers: "alone": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers',
    'metadata.finalizers: "finalizer.keda.sh": prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers',
  ])
  assert.deepEqual(finalizerWarnings(withFinalizers('alone'), withFinalizers('alone')), [])
})
