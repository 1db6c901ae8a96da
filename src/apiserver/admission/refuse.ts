import { statusError } from '#api'
import type { AdmissionRequest } from '../contract.ts'

/** 403 in the words of Kubernetes' admission: the object by its name, or by its prefix as long as it has none. */
export function forbidden(request: AdmissionRequest, why: string): Error {
  const { name = '', generateName = '' } = request.object?.metadata ?? {}
  return statusError.forbidden(request.resource, request.name || name || generateName || 'Unknown', why)
}

/** Whether the request is about this resource of this group, at the object itself or one of its subresources. */
export function isAbout(request: AdmissionRequest, group: string, plural: string, ...subresources: readonly string[]): boolean {
  const { resource, subresource } = request
  return (
    resource.plural === plural &&
    resource.group === group &&
    (subresources.length === 0 ? subresource === '' : subresources.includes(subresource))
  )
}
