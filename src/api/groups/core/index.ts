import type { Resource } from '../../resource.ts'
import { bindings } from './binding.ts'
import { componentStatuses } from './component-status.ts'
import { configMaps } from './config-map.ts'
import { endpoints } from './services/endpoints.ts'
import { events } from './events/event.ts'
import { limitRanges } from './limits/limit-range.ts'
import { resourceQuotas } from './limits/resource-quota.ts'
import { namespaces } from './namespace.ts'
import { nodes } from './node.ts'
import { podTemplates } from './pod-template.ts'
import { pods } from './pod.ts'
import { replicationControllers } from './replication-controller.ts'
import { secrets } from './secret.ts'
import { services } from './services/service.ts'
import { serviceAccounts } from './service-account.ts'
import { persistentVolumeClaims } from './volumes/persistent-volume-claim.ts'
import { persistentVolumes } from './volumes/persistent-volume.ts'

export const coreResources = [
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
] as unknown as readonly Resource[]
