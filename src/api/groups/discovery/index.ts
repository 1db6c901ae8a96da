import type { Resource } from '../../resource.ts'
import { endpointSlices } from './endpoint-slice.ts'

export const discoveryResources = [endpointSlices] as unknown as readonly Resource[]
