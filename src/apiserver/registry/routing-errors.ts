import { StatusError } from '#api'

/** What the router in front of the resources says: nobody behind it has seen the request, so no warning goes with it. */
export class RoutingRefusal extends StatusError {}

export function noSuchPath(): StatusError {
  return new RoutingRefusal({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} })
}
export function methodNotAllowed(): StatusError {
  return new RoutingRefusal({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  })
}
