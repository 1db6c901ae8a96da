import { statusError } from '#api'
import type { AdmissionRequest, AdmissionStep } from '../contract.ts'
import { qualifiedName } from '../registry/core.ts'

/** Nothing is added to a kind that is going away. */
export function terminatingStep(isTerminating: (definition: string) => boolean): AdmissionStep {
  const refuse = ({ resource, name }: AdmissionRequest): never => {
    throw statusError.forbidden(resource, name, 'create not allowed while custom resource definition is terminating')
  }
  return {
    name: 'CustomResourceTermination',
    handles: ({ operation, resource, subresource }) =>
      operation === 'CREATE' && subresource === '' && resource.typedItems && isTerminating(qualifiedName(resource)),
    mutate: (_scope, request) => refuse(request),
    validate: (_scope, request) => refuse(request),
  }
}
