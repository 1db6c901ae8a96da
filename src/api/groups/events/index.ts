import type { Resource } from '../../resource.ts'
import { eventsV1 } from './event.ts'

export const eventsResources = [eventsV1] as unknown as readonly Resource[]
