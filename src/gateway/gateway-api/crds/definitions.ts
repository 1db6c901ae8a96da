import type { apiextensions } from '#api'
import { gateway, gatewayClass } from './gateway.ts'
import { httpRoute } from './http-route.ts'
import { grpcRoute, tlsRoute } from './other-routes.ts'
import { backendTLSPolicy, referenceGrant } from './references.ts'

/** The kinds of Gateway API that are looked at here, as its reference has them. */
export const GATEWAY_DEFINITIONS: readonly apiextensions.CustomResourceDefinition[] = [
  gatewayClass,
  gateway,
  httpRoute,
  grpcRoute,
  tlsRoute,
  referenceGrant,
  backendTLSPolicy,
]
