export { type NodeExplanation, explain } from './explain.ts'
export { DEFAULT_SCHEDULER, Scheduler, type SchedulerOptions } from './loop/scheduler.ts'
