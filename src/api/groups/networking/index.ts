import type { Resource } from '../../resource.ts'
import { ingressClasses } from './ingress-class.ts'
import { ingresses } from './ingress.ts'
import { ipAddresses } from './ip-address.ts'
import { networkPolicies } from './network-policy.ts'
import { serviceCidrs } from './service-cidr.ts'

export const networkingResources: readonly Resource[] = [ingressClasses, ingresses, ipAddresses, networkPolicies, serviceCidrs]
