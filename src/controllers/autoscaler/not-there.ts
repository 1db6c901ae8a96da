import { StatusError } from '#api'

/** Nobody serves the path, rather than that an object is missing. */
export function isNotThere(error: unknown): boolean {
  return error instanceof StatusError && error.httpStatus === 404 && (error.status.details?.name ?? '') === ''
}
