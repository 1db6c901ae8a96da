import type { Resource } from '../../resource.ts'
import { configMaps } from './config-map.ts'
import { endpoints } from './endpoints.ts'
import { events } from './event.ts'
import { namespaces } from './namespace.ts'
import { nodes } from './node.ts'
import { pods } from './pod.ts'
import { secrets } from './secret.ts'
import { services } from './service.ts'
import { serviceAccounts } from './service-account.ts'

export const coreResources = [configMaps, endpoints, events, namespaces, nodes, pods, secrets, serviceAccounts, services] as unknown as readonly Resource[]
