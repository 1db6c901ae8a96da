import { StatusError, pathSegmentErrors, statusError } from '#api'
import type { AdmissionRequest } from '../contract.ts'

/** 403 in the words of Kubernetes' admission: the object by its name, or by its prefix as long as it has none. */
export function forbidden(request: AdmissionRequest, why: string): StatusError {
  const { name = '', generateName = '' } = request.object?.metadata ?? {}
  return statusError.forbidden(request.resource, request.name || name || generateName || 'Unknown', why)
}

/** Why a name cannot be asked for: Kubernetes' client refuses to send it. Undefined when it can. */
export function lookupError(name: string): string | undefined {
  if (name === '') return 'resource name may not be empty'
  const wrong = pathSegmentErrors(name)
  return wrong.length === 0 ? undefined : `invalid resource name ${JSON.stringify(name)}: [${wrong.join(' ')}]`
}

/** What Kubernetes answers when admission itself fails: 500 without a reason. */
export function failed(message: string): Error {
  return new StatusError({ code: 500, message })
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
