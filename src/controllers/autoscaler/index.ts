export { type AutoscalerOptions, horizontalPodAutoscaler } from './autoscaler.ts'
