import type { ServiceSpec } from '../../../types/core-v1.gen.ts'

/** Whether nodes have a port for it. */
export const isExternal = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer'

/** Whether requests from outside can come to it, so that it has a policy for them. */
export const isReachable = (spec: ServiceSpec): boolean =>
  isExternal(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)

/** Whether nodes tell, at a port, if they have an endpoint of it. */
export const needsHealthCheck = ({ type, externalTrafficPolicy }: ServiceSpec): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
