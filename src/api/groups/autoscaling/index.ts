import type { Resource } from '../../resource.ts'
import { horizontalPodAutoscalers } from './hpa.ts'
import { horizontalPodAutoscalersV1 } from './hpa-v1.ts'

export const autoscalingResources: readonly Resource[] = [horizontalPodAutoscalers, horizontalPodAutoscalersV1]
