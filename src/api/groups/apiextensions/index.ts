import type { Resource } from '../../resource.ts'
import { customResourceDefinitions } from './custom-resource-definition.ts'

export const apiextensionsResources: readonly Resource[] = [customResourceDefinitions]
