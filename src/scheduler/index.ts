export { Scheduler, type SchedulerOptions } from './loop/scheduler.ts'
