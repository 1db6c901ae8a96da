import { StatusError, statusError } from '#api'
import type { AdmissionRequest } from '../../contract.ts'
import { saidName } from '../webhooks/match.ts'

const CODES: Readonly<Record<string, number>> = { Unauthorized: 401, Forbidden: 403, RequestEntityTooLarge: 413 }

/** What a validating policy answers. */
export function denial(request: AdmissionRequest, message: string, reason: string): StatusError {
  const { status } = statusError.forbidden(request.resource, nameOf(request), message)
  return new StatusError({
    ...status,
    reason: reason === '' ? 'Invalid' : reason,
    code: CODES[reason] ?? 422,
    details: { ...status.details, causes: [{ message }] },
  })
}

/** What mutating policies answer that could not change the object. */
export function failedMutations(request: AdmissionRequest, messages: readonly string[]): StatusError {
  const { status } = statusError.forbidden(request.resource, nameOf(request), '')
  return new StatusError({
    ...status,
    // The first one speaks for all.
    message: messages[0] ?? '',
    reason: 'Invalid',
    details: { ...status.details, causes: messages.map((message) => ({ message })) },
  })
}

/** The name may not have been generated yet. */
function nameOf(request: AdmissionRequest): string {
  const { object } = request
  return [saidName(request), object?.metadata?.name, object?.metadata?.generateName].find((one) => (one ?? '') !== '') ?? 'Unknown'
}
