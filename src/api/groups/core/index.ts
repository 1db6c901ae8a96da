import type { Resource } from '../../resource.ts'
import { configMaps } from './config-map.ts'
import { namespaces } from './namespace.ts'
import { pods } from './pod.ts'
import { secrets } from './secret.ts'
import { services } from './service.ts'
import { serviceAccounts } from './service-account.ts'

export const coreResources = [configMaps, namespaces, pods, secrets, serviceAccounts, services] as unknown as readonly Resource[]
