import type { Resource } from '../../resource.ts'
import { flowSchemas } from './flow-schema.ts'
import { priorityLevelConfigurations } from './priority-level.ts'

export const flowcontrolResources: readonly Resource[] = [flowSchemas, priorityLevelConfigurations]
