import { statusError } from '#api'
import type { AdmissionStep } from '../contract.ts'
import { qualifiedName } from '../registry/core.ts'

/** Nothing is added to a kind that is going away. */
export function terminatingStep(isTerminating: (definition: string) => boolean): AdmissionStep {
  return {
    name: 'CustomResourceTermination',
    handles: ({ operation, resource, subresource }) =>
      operation === 'CREATE' && subresource === '' && resource.typedItems && isTerminating(qualifiedName(resource)),
    validate(_scope, { resource, name }) {
      throw statusError.forbidden(resource, name, 'create not allowed while custom resource definition is terminating')
    },
  }
}
