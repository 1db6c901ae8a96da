import type { Resource } from '../../resource.ts'
import { deployments } from './deployment.ts'
import { replicaSets } from './replica-set.ts'

export const appsResources: readonly Resource[] = [deployments, replicaSets]
